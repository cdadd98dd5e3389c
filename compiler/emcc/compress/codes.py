"""Codebooks that are cheap to code: clusters that weigh error against the bits of their codes."""

from collections.abc import Mapping, Sequence

import numpy as np

from emcc.compress.clusters.lloyd import kmeans
from emcc.compress.problem import Problem
from emcc.compress.state import State, graph_of
from emcc.ir.graph import Array

ENTRIES = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 31, 63, 127, 255)
FEW = 2
"""Of the held-out rows, in batches, that numbers of entries are tried on: many are tried, and differences are large."""

PRICE = 0.02
"""Squared error, relative to the layer's mean square, that a bit of a code is worth to `cluster`."""


def cluster(weights: Array, entries: int, price: float = PRICE) -> tuple[Array, Array]:
    """(values float32 [K], codes uint8): at most `entries` clusters of the non-zero weights, and zero as entry 0.

    Entropy-constrained: after k-means, each weight goes to the cluster with the least (w - c)**2 / mean square +
    price * bits, bits = -log2 of the cluster's share (Chou, Lookabaugh and Gray 1989).
    """
    kept = weights.ravel() != 0
    found = weights.ravel()[kept].astype(np.float64)
    codes = np.zeros(weights.size, np.uint8)
    if not found.size:
        return np.zeros(1, np.float32), codes.reshape(weights.shape)
    distinct, counts = np.unique(found, return_counts=True)
    if distinct.size <= entries:
        centroids = distinct
        labels = np.searchsorted(distinct, found)
    else:
        centroids = kmeans(distinct, counts, entries)
        centroids, labels = _settle(distinct, counts, centroids, price)
        labels = labels[np.searchsorted(distinct, found)]
    values = np.concatenate([[0.0], centroids]).astype(np.float32)
    codes[kept] = labels + 1
    return values, codes.reshape(weights.shape)


def _settle(distinct: Array, counts: Array, centroids: Array, price: float) -> tuple[Array, Array]:
    scale = float(counts @ np.square(distinct)) / counts.sum()
    bits = np.zeros(centroids.size)
    labels = np.zeros(distinct.size, np.int64)
    for _ in range(12):
        cost = np.square(distinct[:, None] - centroids) / scale + price * bits
        # A cluster on the other side of zero would turn a sign.
        cost[np.sign(distinct)[:, None] != np.sign(centroids)] += 1e6
        labels = cost.argmin(axis=1)
        share = np.bincount(labels, counts, centroids.size)
        used = share > 0
        sums = np.bincount(labels, counts * distinct, centroids.size)
        centroids = sums[used] / share[used]
        bits = -np.log2(share[used] / share.sum())
        labels = (np.cumsum(used) - 1)[labels]
    return centroids, labels


def entropy(codes: Array) -> float:
    """Bits that the non-zero codes take together, at their own distribution."""
    counts = np.bincount(codes.ravel())[1:]
    counts = counts[counts > 0]
    return float(-(counts * np.log2(counts / max(1, counts.sum()))).sum()) + 0.0


def assign(weights: Mapping[str, Array], entries: Mapping[str, int]) -> tuple[dict[str, Array], dict[str, Array]]:
    """(values, codes) of every layer."""
    found = {name: cluster(each, entries[name]) for name, each in weights.items()}
    return {name: each[0] for name, each in found.items()}, {name: each[1] for name, each in found.items()}


def trials(
    problem: Problem, state: State, most: int, position_bits: float
) -> tuple[float, dict[str, list[tuple[int, float, float]]]]:
    """(slope, by weight constant: (entries, bits, rise in loss) of every number of entries worth trying).

    Each is tried on the held-out rows, a layer at a time, without training. `slope` is what pruning pays for a bit:
    the rise in loss when a twentieth of the weights, the smallest of each layer, goes too, over the bits that they
    take: `position_bits` and the code, each.
    """
    graph = problem.original
    whole = graph_of(graph, state)
    loss, _ = problem.judge(whole, FEW)
    less = {name: _trimmed(each) for name, each in state.weights.items()}
    gone = state.kept() - sum(int(np.count_nonzero(each)) for each in less.values())
    worse = problem.judge(whole.with_constants(less), FEW)[0] - loss
    slope = max(worse, 1e-6) / max(1.0, gone * (position_bits + 3.0))
    found: dict[str, list[tuple[int, float, float]]] = {}
    for name, weights in state.weights.items():
        found[name] = []
        for entries in _sizes(weights, most):
            values, codes = cluster(weights, entries)
            rise = problem.judge(whole.with_constants({name: values[codes]}), FEW)[0] - loss
            found[name].append((entries, entropy(codes) + 16.0 * entries, rise))
    return slope, found


def pick(found: Mapping[str, Sequence[tuple[int, float, float]]], slope: float) -> dict[str, int]:
    """Entries a layer: of each layer's trials the least of rise in loss + slope * bits."""
    return {name: min((rise + slope * bits, each) for each, bits, rise in rows)[1] for name, rows in found.items()}


def richer(found: Mapping[str, Sequence[tuple[int, float, float]]], entries: Mapping[str, int]) -> list[dict[str, int]]:
    """`entries` with the next number that was tried, of one layer; first what lowers the loss most for its bits."""
    steps = []
    for name, rows in found.items():
        of = {each: (bits, rise) for each, bits, rise in rows}
        more = min((each for each in of if each > entries[name]), default=0)
        if more:
            (bits, rise), (now, loss) = of[more], of[entries[name]]
            steps.append(((rise - loss) / max(1.0, bits - now), name, {**entries, name: more}))
    return [changed for _, _, changed in sorted(steps, key=lambda step: step[:2])]


def _trimmed(weights: Array) -> Array:
    """Without the smallest twentieth of what is not zero."""
    found = np.abs(weights[weights != 0])
    if not found.size:
        return weights
    return np.where(np.abs(weights) < np.quantile(found, 0.05), np.float32(0), weights)


def _sizes(weights: Array, most: int) -> Sequence[int]:
    """The numbers of entries worth trying."""
    distinct = int(np.unique(weights[weights != 0]).size)
    return [each for each in ENTRIES if each <= min(most, max(2, distinct))] or [min(most, max(1, distinct))]
