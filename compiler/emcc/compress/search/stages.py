"""The stages of a search: each takes a State and gives one, an epoch or a decision at a time."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.events import Event
from emcc.compress import biases, codes, importance
from emcc.compress.problem import Problem
from emcc.compress.search.options import Goal, Search
from emcc.compress.search.store import Store
from emcc.compress.state import State, graph_of, state_of
from emcc.compress.trainer import Chooser, Epoch
from emcc.driver.encoder import layer_table
from emcc.ir.graph import Array, Graph

Encode = Callable[[Graph], bytes]
CLEAN = {"pruning": 0.3, "settling": 0.7, "moving codes": 1.0, "training codebooks": 1.0}
"""Share of samples that are not augmented, by stage: the last ones fit what the network will see.

LeNet-5 trained on warped digits for 11 epochs errs on 0.72 % of the test set, after one more on clean ones on 0.45 %.
"""

FIRST = 0.4
"""Density at which pruning begins: what goes before hardly matters."""

AUDITION, STEPS = 0.03, 120
"""The share of the weights that scores are compared at, and the steps of training that each gets."""

PRICES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0, 8.0, 16.0, 40.0, 100.0)
"""Of a bit, relative to what pruning pays, in the order in which --target-size tries them."""

ALMOST = 0.995
"""Of a wanted size, what is aimed at while codes move. They take about 2 % more than before they moved."""


class Stages:
    """What the stages share. Every epoch and every decision is a step of the store.

    Attributes:
        rows: for the record. before: (loss, quality) of the model as it came.
        kind, curvature: how weights are ranked between layers; see importance.score.
    """

    def __init__(
        self, problem: Problem, goal: Goal, encode: Encode, store: Store, tell: Callable[[Event], None] | None = None
    ) -> None:
        self.problem, self.goal, self.encode, self.store = problem, goal, encode, store
        self.tell = tell or (lambda event: None)
        self.options: Search = problem.options
        self.rows: list[dict[str, Any]] = []
        self.before = (0.0, 0.0)
        self.kind, self.curvature = "magnitude", dict[str, float]()

    def scan(self, start: State) -> dict[str, Any]:
        """The sensitivity scan, and which score ranks weights best between layers.

        Each grows a network of a share AUDITION of the weights in a few steps, and the least held-out loss wins.
        """
        problem = self.problem
        self.say("sensitivity scan", 0, 1, start, 0.0)
        rows = importance.scan(problem, start)
        curvature = {row["weight"]: row["curvature"] for row in rows}
        losses = {}
        self.curvature = curvature
        for kind in ("magnitude", "scan", "lamp") if self.options.score == "auto" else ():
            self.kind = kind
            choose = self.chooser(round(start.size() * FIRST), max(1, round(start.size() * AUDITION)), 1)
            each = Epoch(problem, start, 0.0, 1.0, self.options.learning_rate, 0.7, STEPS)
            losses[kind] = problem.judge(graph_of(problem.original, each.prune(choose)))[0]
        best = self.options.score if self.options.score != "auto" else min(losses, key=lambda kind: losses[kind])
        return {"rows": rows, "scores": losses, "score": best}

    def grow(self, state: State, count: int, epochs: int, end: Callable[[State, int], int] | None = None) -> State:
        """Sparsity grows until `count` weights are left, over so many epochs; `end(state, count)` may correct it.

        The logarithm of the density falls along a parabola: fast first, slowly in the end. Each choice is of the
        weights that are left.
        """
        state = state.fresh()
        begun = min(state.kept(), max(count, round(state.size() * FIRST)))
        for epoch in range(epochs):
            choose = self.chooser(begun, count, epochs)
            state = self.epoch("pruning", state, epoch, epochs, self.options.learning_rate, 0.7, "prune", choose)
            if end and epoch + 1 < epochs:
                count = min(self.store.value(partial(end, state, count)), state.kept())
        return self.exactly(state, count)

    def chooser(self, begun: int, wanted: int, epochs: int) -> Chooser:
        """Masks at a time `at` (0 to 1) of growing sparsity from `begun` weights to `wanted`; see `_grow`."""

        def choose(weights: Mapping[str, Array], gradients: Mapping[str, Array], at: float) -> dict[str, Array]:
            part = min(1.0, at / (1 - 0.5 / epochs))
            least = max(1, wanted)
            above = math.log(max(begun, least) / least)
            now = wanted if part >= 1 else round(least * math.exp(above * (1 - part) ** 2))
            new = int(now * self.options.regrow * (1 - part)) if gradients else 0
            masks = importance.choose(self.problem.original, self.kind, weights, self.curvature, now - new)
            return importance.grown(masks, gradients, new) if new else masks

        return choose

    def exactly(self, state: State, count: int) -> State:
        """Exactly `count` weights (fewer where fewer are left)."""
        masks = importance.choose(self.problem.original, self.kind, state.weights, self.curvature, count)
        return replace(state, weights={n: np.where(masks[n], w, np.float32(0)) for n, w in state.weights.items()})

    def settled(self, state: State, epochs: int) -> State:
        state = state.fresh()
        begun = state_of(self.problem.original).weights
        for epoch in range(epochs):
            state = self.epoch("settling", state, epoch, epochs, self.options.learning_rate / 2, 0.0, "prune", None)
        self.note("pruned", state, begun)
        return state

    def share(self, state: State, room: tuple[int, int] | None = None) -> State:
        """Codebooks: their sizes picked, weights moved between codes, then codebooks trained, biases rounded.

        room: the bytes that there are, and those of the file without any weight. What does not fit goes as codes move.
        """
        options, problem = self.options, self.problem
        begun = state.weights
        entries = self.entries(state, room[0] if room else None)

        def assign(weights: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
            return codes.assign(weights, entries)

        values, chosen = assign(state.weights)
        state = replace(state.fresh(), values=values, codes=chosen)
        for epoch in range(options.code_epochs):
            rate = options.learning_rate / 4
            state = self.epoch("moving codes", state, epoch, options.code_epochs, rate, 0.0, "codes", assign)
            if room:
                state = self.store.state(partial(self.fitted, state, *room))
        state = replace(state, weights={name: state.values[name][state.codes[name]] for name in state.codes}).fresh()
        first = options.shared_epochs // 2
        for epoch in range(first):
            state = self.epoch(
                "training codebooks", state, epoch, first, options.shared_learning_rate, 0.0, "books", True
            )
        state = self.store.state(partial(biases.rounded, problem, state, options.bias_bits)).fresh()
        for epoch in range(options.shared_epochs - first):
            rest = options.shared_epochs - first
            state = self.epoch(
                "training codebooks", state, epoch, rest, options.shared_learning_rate, 0.0, "books", False
            )
        self.note("shared", state, begun)
        return state

    def entries(self, state: State, target: int | None) -> dict[str, int]:
        """Entries a layer: what pruning's own price of a bit says, or as many as `target` bytes have room for."""
        slope, found = self.store.value(
            lambda: codes.trials(self.problem, state, self.options.entries, self.position_bits(state))
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
            if self.bytes(self.quick(state, entries)) <= ALMOST * target:
                break
        return dict(self.store.value(partial(self.filled, state, found, entries, target)))

    def filled(self, state: State, found: Mapping[str, Any], entries: dict[str, int], target: int) -> Mapping[str, int]:
        """More entries, a layer and a step at a time, while there is room for them."""
        while True:
            for tried in codes.richer(found, entries):
                if self.bytes(self.quick(state, tried)) <= ALMOST * target:
                    entries = tried
                    break
            else:
                return entries

    def fitted(self, state: State, target: int, floor: int) -> State:
        """About as many of the weights as fit, biases rounded to a few bits; at the end nothing but the file counts."""
        for _ in range(9):
            size = self.bytes(biases.to_step(state, 4))
            if size <= ALMOST * target:
                break
            state = self.fewer(state, size, ALMOST * target, floor)
        return state

    def fewer(self, state: State, size: int, target: float, floor: int) -> State:
        """A shared state of `size` bytes without the least important weights, about as many as `target` asks for."""
        per = max(0.2, (size - floor) / max(1, state.kept()))
        less = max(1, math.ceil((size - target) / per))
        worth = importance.score(self.kind, state.weights, self.curvature)
        masks = importance.largest(worth, max(0, state.kept() - less))
        kept = {name: masks[name].reshape(each.shape) for name, each in state.codes.items()}
        found = {name: np.where(kept[name], each, 0).astype(np.uint8) for name, each in state.codes.items()}
        left = {name: np.where(kept[name], each, np.float32(0)) for name, each in state.weights.items()}
        return replace(state, codes=found, weights=left)

    def epoch(
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
            self.say(stage, epoch + 1, epochs, after, told["loss"])
        return after

    def bytes(self, state: State) -> int:
        return len(self.encode(graph_of(self.problem.original, state)))

    def quick(self, state: State, entries: Mapping[str, int] | None = None) -> State:
        """The state as sharing would leave it, roughly, without training."""
        entries = entries or dict.fromkeys(state.weights, min(5, self.options.entries))
        values, chosen = codes.assign(state.weights, entries)
        return biases.to_step(replace(state, values=values, codes=chosen), 4)

    def position_bits(self, state: State) -> float:
        density = max(state.kept(), 1) / state.size()
        return max(1.0, -math.log2(density) + 1.0)

    def quality(self, state: State) -> float:
        return self.problem.judge(graph_of(self.problem.original, state))[1]

    def stored_quality(self, state: State) -> float:
        return float(self.store.value(partial(self.quality, state)))

    def note(self, name: str, state: State, before: Mapping[str, Array]) -> None:
        """A row a layer for the record; `before` are the weights that the pass began with.

        inertia: the sum of squared changes of the weights since then. bits and bytes: as shared with a few entries
        and without training, where weights are not shared yet.
        """
        shared = state if state.codes else self.quick(state)
        rows = self.store.value(partial(self.facts, state, shared, before))
        self.rows += [{"pass": name, **row} for row in rows]

    def facts(self, state: State, shared: State, before: Mapping[str, Array]) -> list[dict[str, Any]]:
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

    def say(self, stage: str, done: int, total: int, state: State, loss: float) -> None:
        quality = self.quality(state) if done else self.before[1]
        sparsity = 1 - state.kept() / state.size()
        self.tell(Event(stage, done, total, loss, sparsity, quality, self.problem.measure))
