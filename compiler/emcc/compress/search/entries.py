"""How many entries a layer's codebook gets: what a bit costs against what it is worth."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from emcc.compress.method import Codebooks
from emcc.compress.problem import Problem
from emcc.compress.state import State, graph_of, weights_of
from emcc.ir.graph import Array

FEW = 2
"""Of the held-out rows, in batches, that numbers of entries are tried on: many are tried, and differences are large."""

PRICE = 0.02
"""Squared error, relative to the layer's mean square, that a bit of a code is worth; see `method.Setting`."""

PRICES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Of a bit, relative to what pruning pays, that --target-size tries; it begins at BEGIN."""

BEGIN = 3

Trials = Mapping[str, Sequence[tuple[int, float, float]]]
"""By weight constant: (entries, bits, rise in loss) of every number of entries that was tried."""


def trials(problem: Problem, state: State, method: Codebooks, most: int, position_bits: float) -> tuple[float, Trials]:
    """(slope, trials): each is tried on the held-out rows, a layer at a time, without training.

    `slope` is what pruning pays for a bit: the rise in loss when a twentieth of the weights, the smallest of each
    layer, goes too, over the bits that they take: `position_bits` and the code, each.
    """
    whole = graph_of(problem.network, state)
    loss, _ = problem.judge(whole, FEW)
    less = {name: _trimmed(weights) for name, weights in state.weights.items()}
    gone = state.kept() - sum(int(np.count_nonzero(weights)) for weights in less.values())
    worse = problem.judge(whole.with_constants(less), FEW)[0] - loss
    slope = max(worse, 1e-6) / max(1.0, gone * (position_bits + 3.0))
    tried: dict[str, list[tuple[int, float, float]]] = {}
    for name, weights in state.weights.items():
        tried[name] = []
        for entries in method.sizes(weights, most):
            values, codes = method.assign(weights, (entries, PRICE))
            rise = problem.judge(whole.with_constants({name: weights_of(values, codes)}), FEW)[0] - loss
            tried[name].append((entries, method.bits_of(values, codes), rise))
    return slope, tried


def pick(tried: Trials, slope: float) -> dict[str, int]:
    """Entries a layer: of its trials the least of rise in loss + slope * bits; the most where bits are free."""
    if not slope:
        return {name: max(entries for entries, _, _ in rows) for name, rows in tried.items()}
    return {
        name: min((rise + slope * bits, entries) for entries, bits, rise in rows)[1] for name, rows in tried.items()
    }


def cheapest(loss: Callable[[int], float], count: int, begin: int) -> int:
    """The index below `count` from which no neighbour has less loss, on the way down from `begin`."""
    known, best = cache(loss), begin
    for step in (-1, 1):
        while 0 <= best + step < count and known(best + step) < known(best):
            best += step
        if best != begin:
            break
    return best


def richer(tried: Trials, chosen: Mapping[str, int]) -> list[dict[str, int]]:
    """`chosen` with the next number that was tried, of one layer; first what lowers the loss most for its bits."""
    steps = []
    for name, rows in tried.items():
        cost = {entries: (bits, rise) for entries, bits, rise in rows}
        more = min((entries for entries in cost if entries > chosen[name]), default=0)
        if more:
            (bits, rise), (bits_now, rise_now) = cost[more], cost[chosen[name]]
            steps.append(((rise - rise_now) / max(1.0, bits - bits_now), name, {**chosen, name: more}))
    return [changed for _, _, changed in sorted(steps, key=lambda step: step[:2])]


def _trimmed(weights: Array) -> Array:
    """Without the smallest twentieth of what is not zero."""
    sizes = np.abs(weights[weights != 0])
    if not sizes.size:
        return weights
    return np.where(np.abs(weights) < np.quantile(sizes, 0.05), np.float32(0), weights)
