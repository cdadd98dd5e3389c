"""--keep-weights with a goal: the zero pattern and the weights stay; only codebooks and biases get smaller."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

from emcc.base.errors import EmccError
from emcc.compress.method import Costs, Setting
from emcc.compress.parameters import decoded
from emcc.compress.rounding import biases_rounded, snapped
from emcc.compress.search.entries import FEW
from emcc.compress.search.search import Result
from emcc.compress.search.stages import Stages
from emcc.compress.state import State, graph_of, state_of, weights_of
from emcc.ir.graph import Array

ENTRIES = (3, 5, 7, 10, 15, 31, 255)
PRICES = (0.0, 0.001, 0.005, 0.02)
"""Numbers of entries and prices of a bit (see method.Setting) that are tried for each layer."""

WEIGHTS = tuple(2.0 ** (power / 2) for power in range(-48, 17))
"""Of a bit against held-out loss, from nothing to dear."""


Choice = tuple[int, float, bool]
"""A Setting, and whether the layer's errors are weighed by what they cost."""


@dataclass(frozen=True)
class Tried:
    """A choice for every layer, and the file that it makes."""

    state: State
    bytes: int
    quality: float
    lost: float


class Keeper(Stages):
    """A search over codebooks, a layer each; nothing is trained."""

    def run(self) -> Result:
        """The smallest file that --max-drop allows, or the best model that --target-size allows."""
        problem, store = self.problem, self.store
        start = state_of(problem.network)
        self.before = store.value(lambda: problem.judge(problem.original))
        base = store.state(lambda: biases_rounded(problem, start, self.options.bias_bits))
        costs = self.costs(base)
        rows = {name: store.value(partial(self._trials, base, name, costs.get(name))) for name in base.weights}
        chosen = [{name: _pick(trials, weight) for name, trials in rows.items()} for weight in WEIGHTS]
        distinct = [choice for i, choice in enumerate(chosen) if choice not in chosen[:i]]
        best = self._searched(start, base, distinct, costs)
        state = best.state
        self.note("shared", state, start.weights)
        shared = snapped(graph_of(problem.network, state))
        record = {**self.measured(shared), "trained_on": 0, "steps": self.rows}
        return Result(problem.network, shared, record)

    def _searched(self, start: State, base: State, chosen: list[dict[str, Choice]], costs: Costs) -> Tried:
        """The best of the choices, which get smaller and worse, by bisection: one that will do, its neighbour not."""
        goal = self.goal
        most = float(goal.max_drop or 0.0)

        def enough(trial: Tried) -> bool:
            return trial.bytes > goal.target_size if goal.target_size is not None else trial.lost <= most

        low, high = -1, len(chosen)
        tried: list[Tried] = []
        while high - low > 1:
            middle = (low + high) // 2
            tried.append(self._tried(base, chosen[middle], costs, len(tried)))
            low, high = (middle, high) if enough(tried[-1]) else (low, middle)
        if goal.target_size is not None:
            fitting = [trial for trial in tried if trial.bytes <= goal.target_size]
            if not fitting:
                raise EmccError(
                    f"a size of {goal.target_size} bytes cannot be reached with these weights: "
                    f"{min(trial.bytes for trial in tried)} are needed",
                    hint="ask for more with --target-size, or leave out --keep-weights",
                )
            return max(fitting, key=lambda trial: (trial.quality, -trial.bytes))
        good = [trial for trial in tried if trial.lost <= most]
        if not good:
            richest = self._tried(start, chosen[0], costs, len(tried))
            lost = self.problem.yardstick.lost(self.problem.outputs(graph_of(self.problem.network, richest.state)))
            if lost > most and goal.refuses:
                raise EmccError(
                    f"with 255 values a layer it has {richest.quality:.2f} % {self.problem.measure} and loses "
                    f"{lost:.2f} points, {most:g} are allowed",
                    hint="allow more with --max-drop",
                )
            good = [richest]
        return min(good, key=lambda trial: (trial.bytes, -trial.quality))

    def _trials(self, base: State, name: str, cost: Array | None) -> list[tuple[int, float, bool, float, float]]:
        """(entries, price, weighed, bits, rise in loss) of a layer, each tried alone, on part of the held-out rows.

        cost: what its errors cost, where that is known; codebooks are then made with it and without.
        """
        problem, method = self.problem, self.codebooks
        whole = graph_of(problem.network, base)
        loss, _ = problem.judge(whole, FEW)
        place = list(base.weights).index(name)
        self.say("trying codebooks", place + 1, len(base.weights), base, loss)
        rows = []
        for entries, price, weighed in product(ENTRIES, PRICES, (False,) if cost is None else (False, True)):
            values, codes = method.assign(base.weights[name], (entries, price), cost if weighed else None)
            rise = problem.judge(whole.with_constants({name: weights_of(values, codes)}), FEW)[0] - loss
            rows.append((entries, price, weighed, method.bits_of(values, codes), rise))
        return rows

    def _tried(self, state: State, chosen: Mapping[str, Choice], costs: Costs, place: int) -> Tried:
        """Choices of every layer, as a file."""
        settings: dict[str, Setting] = {name: (entries, price) for name, (entries, price, _) in chosen.items()}
        weighed = {name: costs[name] for name, choice in chosen.items() if choice[2]}

        def make() -> State:
            values, codes = self.books(state.weights, settings, weighed)
            return replace(state, values=values, codes=codes, weights=decoded((values, codes)))

        shared = self.store.state(make)
        facts: Any = self.store.value(lambda: [self.bytes(shared), self.quality(shared), self.lost(shared)])
        self.say("choosing codebooks", place + 1, 6, shared, 0.0)
        return Tried(shared, int(facts[0]), float(facts[1]), float(facts[2]))


def _pick(rows: list[tuple[int, float, bool, float, float]], weight: float) -> Choice:
    """The choice with the least rise in loss + weight * bits / 1000."""
    entries, price, weighed, *_ = min(rows, key=lambda row: (max(row[4], 0.0) + weight * row[3] / 1000, row[3]))
    return int(entries), float(price), bool(weighed)
