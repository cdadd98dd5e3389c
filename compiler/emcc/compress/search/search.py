"""The search: from a folded graph and a goal to the graph with shared weights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from emcc.base.errors import EmccError
from emcc.compress.importance.choice import removed
from emcc.compress.importance.saliency import saliency
from emcc.compress.parameters import decoded
from emcc.compress.rounding import snapped
from emcc.compress.search.stages import FIRST, Stages
from emcc.compress.state import State, graph_of, state_of
from emcc.ir.graph import Graph

RATIO, TRIES = 0.7, 30
"""Of two densities that --max-drop tries after one another, and how many."""

BYTES = 1.15
"""Of a kept weight in the file, before there is a better guess: position, code, its share of biases and header."""


@dataclass(frozen=True)
class Result:
    """The result: the graph before sharing and after it, and what was measured on the way."""

    pruned: Graph
    shared: Graph
    record: Mapping[str, Any]


class Searcher(Stages):
    """One search."""

    def run(self) -> Result:
        """The search."""
        problem, store = self.problem, self.store
        start = state_of(problem.original)
        self.before = store.value(lambda: problem.judge(problem.original))
        scanned = store.value(lambda: self.scan(start))
        self.zeros = self.zeros.forms({row["weight"]: row["curvature"] for row in scanned["rows"]})[scanned["score"]]
        if self.goal.target_sparsity is not None:
            count = start.size() - removed(start.size(), self.goal.target_sparsity)
            pruned = self.settled(self.grow(start, count, self.options.epochs), self.options.settle)
            shared = self.share(pruned)
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
            "score": scanned["score"],
            "scan": scanned["rows"],
            "scores": scanned["scores"],
            "steps": self.rows,
        }
        return Result(*graphs, record)

    def _to_size(self, start: State, target: int) -> tuple[State, State]:
        """Weights left as the size allows; the file is never larger than `target`."""
        floor = self.bytes(self.quick(self.exactly(start, 0)))
        if floor > target:
            raise EmccError(
                f"a size of {target} bytes cannot be reached: {floor} are needed without any weight",
                hint="ask for more with --target-size",
            )

        def fitting(state: State, count: int) -> int:
            """Weights that fit, from the size of the state's `count` best: codes as they would be, biases rounded."""
            state = self.exactly(state, count)
            per_weight = (self.bytes(self.quick(state)) - floor) / max(1, state.kept())
            return max(1, min(state.size(), int((target - floor) / max(per_weight, 0.05))))

        count = max(1, min(start.size(), int((target - floor) / BYTES)))
        count = self.store.value(partial(fitting, start, count))
        pruned = self.grow(start, count, self.options.epochs, fitting)
        pruned = self.settled(pruned, self.options.settle)
        shared = self.share(pruned, (target, floor))
        for _ in range(60):
            size = self.bytes(shared)
            if size <= target:
                return pruned, shared
            shared = self.fewer(shared, size, target, floor, saliency(self.problem, shared))
            shared = self.trained_entries(shared.fresh(), 0, 1)
        raise EmccError(f"a size of {target} bytes was not reached", hint="ask for more with --target-size")

    def _to_quality(self, start: State) -> tuple[State, State]:
        """The sparsest level that, shared, loses no more than `max_drop`; levels grow by RATIO until one fails."""
        allowed = self.before[1] - float(self.goal.max_drop or 0.0)
        epochs = max(1, self.options.epochs // 6)
        settle = max(1, self.options.settle // 2)
        good: list[State] = []
        state, density, ratio = start, FIRST, RATIO
        for _ in range(TRIES):
            count = max(1, round(start.size() * density))
            tried = self.settled(self.grow(state, count, epochs), settle)
            if self.stored_quality(tried) >= allowed:
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
            final = self.settled(best, self.options.settle)
            if self.stored_quality(final) < self.stored_quality(best):
                final = best
            shared = self.share(final)
            if self.stored_quality(shared) >= allowed:
                return final, shared
        # Nothing can go: the weights stay, only codes as wide as it takes.
        return start, self._whole(start, allowed)

    def _whole(self, start: State, allowed: float) -> State:
        """All weights kept, and codebooks of the fewest entries with which no more is lost than is allowed."""
        shared = start
        for most in (15, 31, 63, 127, 255):
            sizes = {name: self.codebooks.sizes(weights, most)[-1] for name, weights in start.weights.items()}
            values, codes = self.assigned(start.weights, sizes)
            shared = replace(start, values=values, codes=codes, weights=decoded((values, codes)))
            if self.quality(shared) >= allowed:
                return shared
        raise EmccError(
            f"nothing can be taken from this model: with the richest codebooks it has {self.quality(shared):.2f} % "
            f"{self.problem.measure}, {allowed:.2f} % are asked for",
            hint="allow more with --max-drop, or give more data",
        )
