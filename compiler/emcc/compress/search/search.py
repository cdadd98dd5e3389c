"""The search: from a folded graph and a goal to the graph with shared weights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.compress.importance.choice import removed
from emcc.compress.importance.saliency import saliency
from emcc.compress.method import Setting
from emcc.compress.parameters import decoded
from emcc.compress.rounding import snapped
from emcc.compress.search.pruning import FIRST, Pruning
from emcc.compress.search.sharing import Sharing
from emcc.compress.state import State, graph_of, state_of
from emcc.compress.untouched import Untouched
from emcc.ir.graph import Array, Graph

RATIO, TRIES = 0.7, 30
"""Of two densities that --max-drop tries after one another, and how many."""

DENSER = (0.6, 0.8)
"""Densities that --max-drop tries where every level loses too much once weights are shared."""

SHARING = 0.5
"""Points that sharing weights may lose where no size is asked for, before richer codebooks are tried."""

PRICES = (1.0, 0.1, 0.0)
"""Of a bit, relative to what pruning pays, that are tried then; 0: all entries that there may be."""

BYTES = 1.15
"""Of a kept weight in the file, before there is a better guess: position, code, its share of biases and header."""


@dataclass(frozen=True)
class Result:
    """The result: the graph before sharing and after it, and what was measured on the way."""

    pruned: Graph
    shared: Graph
    record: Mapping[str, Any]


class Searcher(Pruning, Sharing):
    """One search."""

    def run(self) -> Result:
        """The search."""
        start, shrunk = self.begun()
        kept = isinstance(self.zeros, Untouched)
        if self.goal.max_drop is not None and (kept or self.lost(start) > self.goal.max_drop):
            return self.result(start, self._whole(start), {"scan": [], "scores": {}, **shrunk})
        scanned = self.store.value(lambda: self.scan(start))
        self.zeros = self.zeros.forms({row["weight"]: row["curvature"] for row in scanned["rows"]})[scanned["score"]]
        if self.goal.target_sparsity is not None:
            count = start.size() - removed(start.size(), self.goal.target_sparsity)
            pruned = self.settled(self.grow(start, count, self.options.epochs), self.options.settle)
            shared = self._shared_to_keep(pruned)
        elif self.goal.target_size is not None:
            pruned, shared = self._to_size(start, self.goal.target_size)
        else:
            pruned, shared = self._to_quality(start)
        facts = {"scan": scanned["rows"], **{k: scanned[k] for k in ("score", "scores")}}
        return self.result(pruned, shared, {**facts, **shrunk})

    def begun(self) -> tuple[State, dict[str, Any]]:
        """What a search begins with: the model as it came is judged, channels go; and what the record has of these."""
        problem = self.problem
        self.before = self.store.value(lambda: problem.judge(problem.original))
        shrunk = {"channels": rows} if (rows := self.shrink()) else {}
        return state_of(self.problem.network), shrunk

    def result(self, pruned: State, shared: State, scanned: Mapping[str, Any]) -> Result:
        """What was found, with what it is worth."""
        original = self.problem.network
        graphs = graph_of(original, replace(pruned, codes={}, values={})), snapped(graph_of(original, shared))
        return Result(*graphs, {**self.measured(graphs[1]), **scanned, "steps": self.rows, "curve": self.curve})

    def _shared_to_keep(self, pruned: State) -> State:
        """Codebooks where no size is asked for: cheap ones, or richer ones where they lose more than SHARING points.

        What pruning pays for a bit is next to nothing where the weights that were asked for are more than are needed.
        Of those that lose more, the least loss.
        """
        wanted, begun = self.stored_quality(pruned) - SHARING, list(self.rows)
        tried: list[tuple[float, State, list[dict[str, Any]]]] = []
        for price in PRICES:
            self.rows = list(begun)
            shared = self.share(pruned, price=price)
            loss, quality = self.store.value(partial(self.problem.judge, graph_of(self.problem.network, shared)))
            if quality >= wanted:
                return shared
            tried.append((loss, shared, self.rows))
        _, shared, self.rows = min(tried, key=lambda trial: trial[0])
        return shared

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
        """The sparsest level that, shared, loses no more than `max_drop`; levels grow by RATIO until one fails.

        The level before it, where the original may know the samples that decide: the sparsest of many that pass has
        passed by luck, and these samples are easy ones.
        """
        epochs, settle = self.options.level
        good: list[State] = []
        state, density, ratio = start, FIRST, RATIO
        for _ in range(TRIES):
            count = max(1, round(start.size() * density))
            tried = self.settled(self.grow(state, count, epochs), settle)
            if self.fits(tried):
                good.append(tried)
                state = tried
            elif not good:
                density = (1 + density) / 2 / ratio
            elif ratio > 0.9:
                break
            else:
                density, ratio = density / ratio, math.sqrt(ratio)
            density *= ratio
            if count == 1 or density > 0.93 or self.spent():
                break
        if len(good) > 1 and not self.problem.yardstick.fresh:
            good.pop()
        while good:
            best = good.pop()
            final = self.settled(best, self.options.settle)
            if self.stored_quality(final) < self.stored_quality(best):
                final = best
            shared = self.share(final)
            if self.fits(shared):
                return final, shared
        for density in DENSER:
            if self.spent():
                break
            final = self.settled(self.grow(start, round(start.size() * density), epochs), self.options.settle)
            shared = self.share(final)
            if self.fits(shared):
                return final, shared
        return start, self._whole(start)

    def _whole(self, start: State) -> State:
        """All weights kept, and codebooks of the fewest entries with which no more is lost than is allowed.

        Errors are weighed by what they cost, or not, whichever makes the smaller file. The richest where too few
        samples decide to be sure of any loss.
        """
        most, costs = float(self.goal.max_drop or 0.0), self.costs(start)
        tried: list[tuple[float, State]] = []
        for entries in (15, 31, 63, 127, 255):
            settings = {name: finest(weights, entries) for name, weights in start.weights.items()}
            tried = []
            for weighed in ({}, costs) if costs else ({},):
                values, codes = self.books(start.weights, settings, weighed)
                shared = replace(start, values=values, codes=codes, weights=decoded((values, codes)))
                tried.append((float(self.store.value(partial(self.lost, shared))), shared))
            if fitting := [shared for lost, shared in tried if lost <= most]:
                return min(fitting, key=self.bytes)
        _, shared = min(tried, key=lambda each: each[0])
        outputs = self.problem.outputs(graph_of(self.problem.network, shared))
        quality, lost = self.problem.judged.score(outputs).value, self.problem.yardstick.lost(outputs)
        if lost <= most or not self.goal.refuses:
            return shared
        raise EmccError(
            f"nothing can be taken from this model: with the richest codebooks it has {quality:.2f} % "
            f"{self.problem.measure} and loses {lost:.2f} points, {most:g} are allowed",
            hint="allow more with --max-drop, or give more data",
        )


def finest(weights: Array, entries: int) -> Setting:
    """The least error with so many entries, whatever their bits cost."""
    distinct = int(np.unique(weights[weights != 0]).size)
    return max(1, min(entries, distinct)), 0.0
