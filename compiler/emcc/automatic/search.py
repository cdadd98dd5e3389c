"""The search: from a folded graph and a goal to the graph with shared weights."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from emcc.automatic import biases, codes, importance
from emcc.automatic.events import Event
from emcc.automatic.options import Goal, Search
from emcc.automatic.problem import Problem
from emcc.automatic.size import layer_table, snapped
from emcc.automatic.state import State, graph_of, state_of
from emcc.automatic.store import Store
from emcc.automatic.train import Chooser, Epoch
from emcc.errors import EmccError
from emcc.ir.graph import Array, Graph
from emcc.passes.prune import removed

Encode = Callable[[Graph], bytes]
CLEAN = {"pruning": 0.3, "settling": 0.7, "moving codes": 1.0, "training codebooks": 1.0}
"""Share of samples that are not augmented, by stage: the last ones fit what the network will see.

LeNet-5 trained on warped digits for 11 epochs errs on 0.72 % of the test set, after one more on clean ones on 0.45 %.
"""

FIRST = 0.4
"""Density at which pruning begins: what goes before hardly matters."""

AUDITION, STEPS = 0.03, 120
"""The share of the weights that scores are compared at, and the steps of training that each gets."""

RATIO, TRIES = 0.7, 30
"""Of two densities that --max-drop tries after one another, and how many."""

PRICES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0, 8.0, 16.0)
"""Of a bit, relative to what pruning pays, in the order in which --target-size tries them."""

GAIN = 0.93
"""Of the size that is expected of a state before its codes have moved, what is left once they have."""

BYTES = 1.15
"""Of a kept weight in the file, before there is a better guess: position, code, its share of biases and header."""


@dataclass(frozen=True)
class Found:
    """The result: the graph before sharing and after it, and what was measured on the way."""

    pruned: Graph
    shared: Graph
    record: Mapping[str, Any]


class Searcher:
    """One search. Every epoch and every decision is a step of the store."""

    def __init__(
        self, problem: Problem, goal: Goal, encode: Encode, store: Store, tell: Callable[[Event], None] | None = None
    ) -> None:
        self.problem, self.goal, self.encode, self.store = problem, goal, encode, store
        self.tell = tell or (lambda event: None)
        self.options: Search = problem.options
        self.rows: list[dict[str, Any]] = []
        self.kind, self.curvature = "magnitude", dict[str, float]()

    def run(self) -> Found:
        """The search."""
        problem, store = self.problem, self.store
        start = state_of(problem.original)
        self.before = store.value(lambda: problem.judge(problem.original))
        found = store.value(lambda: self._scan(start))
        self.kind, self.curvature = found["score"], {row["weight"]: row["curvature"] for row in found["rows"]}
        if self.goal.target_sparsity is not None:
            count = start.size() - removed(start.size(), self.goal.target_sparsity)
            pruned = self._settled(self._grow(start, count, self.options.epochs), self.options.settle)
            shared = self._share(pruned)
        elif self.goal.target_size is not None:
            pruned, shared = self._to_size(start, self.goal.target_size)
        else:
            pruned, shared = self._to_quality(start)
        before = graph_of(problem.original, replace(pruned, codes={}, values={}))
        graphs = before, snapped(graph_of(problem.original, shared))
        record = {
            "measure": problem.measure,
            "held_out": len(problem.held),
            "trained_on": len(problem.train),
            "quality_before": self.before[1],
            "quality": problem.judge(graphs[1])[1],
            "agreement": problem.agreement(graphs[1]),
            "score": self.kind,
            "scan": found["rows"],
            "scores": found["scores"],
            "steps": self.rows,
        }
        return Found(*graphs, record)

    # Stages.

    def _scan(self, start: State) -> dict[str, Any]:
        """The sensitivity scan, and which score ranks weights best between layers.

        Each grows a network of a share AUDITION of the weights in a few steps, and the least held-out loss wins.
        """
        problem = self.problem
        self._say("sensitivity scan", 0, 1, start, 0.0)
        rows = importance.scan(problem, start)
        curvature = {row["weight"]: row["curvature"] for row in rows}
        losses = {}
        self.curvature = curvature
        for kind in ("magnitude", "scan", "lamp") if self.options.score == "auto" else ():
            self.kind = kind
            choose = self._chooser(round(start.size() * FIRST), max(1, round(start.size() * AUDITION)), 1)
            each = Epoch(problem, start, 0.0, 1.0, self.options.learning_rate, 0.7, STEPS)
            losses[kind] = problem.judge(graph_of(problem.original, each.prune(choose)))[0]
        best = self.options.score if self.options.score != "auto" else min(losses, key=lambda kind: losses[kind])
        return {"rows": rows, "scores": losses, "score": best}

    def _grow(self, state: State, count: int, epochs: int, end: Callable[[State], int] | None = None) -> State:
        """Sparsity grows until `count` weights are left, over so many epochs; `end(state)` may correct the count.

        The logarithm of the density falls along a parabola: fast first, slowly in the end. Each choice is of the
        weights that are left.
        """
        state = state.fresh()
        begun = min(state.kept(), max(count, round(state.size() * FIRST)))
        for epoch in range(epochs):
            choose = self._chooser(begun, count, epochs)
            state = self._epoch("pruning", state, epoch, epochs, self.options.learning_rate, 0.7, "prune", choose)
            if end and epochs - epoch <= max(2, epochs // 3) and epoch + 1 < epochs:
                count = min(self.store.value(partial(end, state)), state.kept())
        return self._exactly(state, count)

    def _chooser(self, begun: int, wanted: int, epochs: int) -> Chooser:
        """Masks at a time `at` (0 to 1) of growing sparsity from `begun` weights to `wanted`; see `_grow`."""

        def choose(weights: Mapping[str, Array], gradients: Mapping[str, Array], at: float) -> dict[str, Array]:
            part = min(1.0, at / (1 - 0.5 / epochs))
            now = wanted if part >= 1 else round(wanted * math.exp(math.log(begun / wanted) * (1 - part) ** 2))
            new = int(now * self.options.regrow * (1 - part)) if gradients else 0
            masks = importance.choose(self.problem.original, self.kind, weights, self.curvature, now - new)
            return importance.grown(masks, gradients, new) if new else masks

        return choose

    def _exactly(self, state: State, count: int) -> State:
        """Exactly `count` weights (fewer where fewer are left)."""
        masks = importance.choose(self.problem.original, self.kind, state.weights, self.curvature, count)
        return replace(state, weights={n: np.where(masks[n], w, np.float32(0)) for n, w in state.weights.items()})

    def _settled(self, state: State, epochs: int) -> State:
        state = state.fresh()
        begun = state_of(self.problem.original).weights
        for epoch in range(epochs):
            state = self._epoch("settling", state, epoch, epochs, self.options.learning_rate / 2, 0.0, "prune", None)
        self._note("pruned", state, begun)
        return state

    def _share(self, state: State, target: int | None = None) -> State:
        """Codebooks: their sizes picked, weights moved between codes, then codebooks trained, biases rounded."""
        options, problem = self.options, self.problem
        begun = state.weights
        entries = self._entries(state, target)

        def assign(weights: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
            return codes.assign(weights, entries)

        values, chosen = assign(state.weights)
        state = replace(state.fresh(), values=values, codes=chosen)
        for epoch in range(options.code_epochs):
            rate = options.learning_rate / 4
            state = self._epoch("moving codes", state, epoch, options.code_epochs, rate, 0.0, "codes", assign)
        state = replace(state, weights={name: state.values[name][state.codes[name]] for name in state.codes}).fresh()
        first = options.shared_epochs // 2
        for epoch in range(first):
            state = self._epoch(
                "training codebooks", state, epoch, first, options.shared_learning_rate, 0.0, "books", True
            )
        state = self.store.state(partial(biases.rounded, problem, state, options.bias_bits)).fresh()
        for epoch in range(options.shared_epochs - first):
            rest = options.shared_epochs - first
            state = self._epoch(
                "training codebooks", state, epoch, rest, options.shared_learning_rate, 0.0, "books", False
            )
        self._note("shared", state, begun)
        return state

    def _entries(self, state: State, target: int | None) -> dict[str, int]:
        """Entries a layer: what pruning's own price of a bit says, or as many as `target` bytes have room for."""
        slope, found = self.store.value(
            lambda: codes.trials(self.problem, state, self.options.entries, self._position_bits(state))
        )
        names = {node.inputs[1]: node.name for node in self.problem.original.layers()}
        for name, rows in found.items():
            self.rows += [
                {"pass": "codes", "layer": names[name], "entries": entries, "bits": bits, "loss": rise}
                for entries, bits, rise in rows
            ]
        if target is None:
            return codes.pick(found, slope)
        for factor in PRICES:
            entries = codes.pick(found, slope * factor)
            if self._bytes(self._quick(state, entries)) <= 0.99 * target:
                break
        return entries

    def _epoch(
        self, stage: str, state: State, epoch: int, epochs: int, rate: float, hold: float, way: str, argument: Any
    ) -> State:
        told = {}

        def make() -> State:
            clean = CLEAN[stage]
            each = Epoch(self.problem, state, epoch / epochs, (epoch + 1) / epochs, rate, hold, clean=clean)
            after: State = getattr(each, way)(argument)
            told["loss"] = each.loss
            if not math.isfinite(each.loss):
                raise EmccError("training diverged", hint="lower learning_rate in the recipe's [search]")
            return after

        after = self.store.state(make)
        if told:
            self._say(stage, epoch + 1, epochs, after, told["loss"])
        return after

    # Goals.

    def _to_size(self, start: State, target: int) -> tuple[State, State]:
        """Weights left as the size allows; the file is never larger than `target`."""
        floor = self._bytes(self._quick(self._exactly(start, 0)))
        if floor > target:
            raise EmccError(
                f"a size of {target} bytes cannot be reached: {floor} are needed without any weight",
                hint="ask for more with --target-size",
            )

        def fitting(state: State) -> int:
            """Weights that fit, from the size of the state as it is: codes as they would be, biases rounded."""
            size = self._bytes(self._quick(state))
            each = (size - floor) / max(1, state.kept())
            return max(1, min(state.size(), int((target / GAIN - floor) / max(each, 0.05))))

        count = max(1, min(start.size(), int((target - floor) / BYTES)))
        pruned = self._grow(start, count, self.options.epochs, fitting)
        pruned = self._settled(pruned, self.options.settle)
        shared = self._share(pruned, target)
        for _ in range(60):
            size = self._bytes(shared)
            if size <= target:
                return pruned, shared
            per = max(0.2, (size - floor) / max(1, shared.kept()))
            less = max(1, math.ceil((size - target) / per))
            shared = self._fewer(shared, max(0, shared.kept() - less))
            shared = self._epoch(
                "training codebooks", shared.fresh(), 0, 1, self.options.shared_learning_rate, 0, "books", False
            )
        raise EmccError(f"a size of {target} bytes was not reached", hint="ask for more with --target-size")

    def _fewer(self, state: State, count: int) -> State:
        """A shared state with `count` weights: the least important ones become zero."""
        worth = importance.score(self.kind, state.weights, self.curvature)
        masks = importance.largest(worth, count)
        kept = {name: masks[name].reshape(each.shape) for name, each in state.codes.items()}
        found = {name: np.where(kept[name], each, 0).astype(np.uint8) for name, each in state.codes.items()}
        return replace(state, codes=found, weights={name: state.values[name][found[name]] for name in found})

    def _to_quality(self, start: State) -> tuple[State, State]:
        """The sparsest level that, shared, loses no more than `max_drop`; levels grow by RATIO until one fails."""
        allowed = self.before[1] - float(self.goal.max_drop or 0.0)
        epochs = max(1, self.options.epochs // 6)
        settle = max(1, self.options.settle // 2)
        good: list[State] = []
        state, density, ratio = start, FIRST, RATIO
        for _ in range(TRIES):
            count = max(1, round(start.size() * density))
            tried = self._settled(self._grow(state, count, epochs), settle)
            if self._stored_quality(tried) >= allowed:
                good.append(tried)
                state = tried
            elif not good:
                density = (1 + density) / 2 / ratio
            elif ratio > 0.9:
                break
            else:
                density, ratio = density / ratio, math.sqrt(ratio)
            density *= ratio
            if count == 1 or density > 0.93:
                break
        while good:
            best = good.pop()
            final = self._settled(best, self.options.settle)
            if self._stored_quality(final) < self._stored_quality(best):
                final = best
            shared = self._share(final)
            if self._stored_quality(shared) >= allowed:
                return final, shared
        # Nothing can go: the weights stay, only codes as wide as it takes.
        return start, self._whole(start, allowed)

    def _whole(self, start: State, allowed: float) -> State:
        """All weights kept, and codebooks of the fewest entries with which nothing more than allowed is lost."""
        shared = start
        for entries in (15, 31, 63, 127, 255):
            values, chosen = codes.assign(start.weights, dict.fromkeys(start.weights, entries))
            shared = replace(
                start,
                values=values,
                codes=chosen,
                weights={name: values[name][chosen[name]] for name in values},
            )
            if self._quality(shared) >= allowed:
                break
        return shared

    # Help.

    def _bytes(self, state: State) -> int:
        return len(self.encode(graph_of(self.problem.original, state)))

    def _quick(self, state: State, entries: Mapping[str, int] | None = None) -> State:
        """The state as sharing would leave it, roughly, without training."""
        entries = entries or dict.fromkeys(state.weights, min(5, self.options.entries))
        values, chosen = codes.assign(state.weights, entries)
        return biases.to_step(replace(state, values=values, codes=chosen), 4)

    def _position_bits(self, state: State) -> float:
        density = max(state.kept(), 1) / state.size()
        return max(1.0, -math.log2(density) + 1.0)

    def _quality(self, state: State) -> float:
        return self.problem.judge(graph_of(self.problem.original, state))[1]

    def _stored_quality(self, state: State) -> float:
        return float(self.store.value(partial(self._quality, state)))

    def _note(self, name: str, state: State, before: Mapping[str, Array]) -> None:
        """A row a layer for the record; `before` are the weights that the pass began with.

        inertia: the sum of squared changes of the weights since then. bits and bytes: as shared with a few entries
        and without training, where weights are not shared yet.
        """
        shared = state if state.codes else self._quick(state)
        rows = self.store.value(partial(self._facts, state, shared, before))
        self.rows += [{"pass": name, **row} for row in rows]

    def _facts(self, state: State, shared: State, before: Mapping[str, Array]) -> list[dict[str, Any]]:
        original = self.problem.original
        agreement = self.problem.agreement(graph_of(original, state))
        sizes, _ = layer_table(self.encode(graph_of(original, shared)))
        rows = []
        for node, size in zip(original.layers(), sizes, strict=True):
            weights = state.weights[node.inputs[1]]
            change = np.subtract(weights, before[node.inputs[1]], dtype=np.float64)
            rows.append(
                {
                    "layer": node.name,
                    "kept": int(np.count_nonzero(weights)),
                    "density": float(np.count_nonzero(weights) / weights.size),
                    "bits": int(size.codes.width),
                    "inertia": float(np.square(change).sum()),
                    "bytes": int(size.bytes),
                    "agreement": agreement,
                }
            )
        return rows

    def _say(self, stage: str, done: int, total: int, state: State, loss: float) -> None:
        quality = self._quality(state) if done else self.before[1]
        sparsity = 1 - state.kept() / state.size()
        self.tell(Event(stage, done, total, loss, sparsity, quality, self.problem.measure))
