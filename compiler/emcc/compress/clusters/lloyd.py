"""K-means of numbers: Lloyd's algorithm on sorted values, where a cluster is an interval."""

import numpy as np

from emcc.compress.clusters.exact import optimal
from emcc.ir.graph import Array

INITS = ("optimal", "linear", "density", "random")


def initial(values: Array, counts: Array, k: int, init: str, seed: int) -> Array:
    """k ascending starting centroids for ascending distinct `values` that occur `counts` times.

    optimal: of the least inertia there is. linear: evenly over the range (keeps the few large weights; the best of
    linear, density and random in Han et al., "Deep Compression", ICLR 2016). density: evenly over the ranks. random:
    k distinct values.
    """
    if init == "optimal":
        return optimal(values, counts, k)
    if init == "linear":
        spread: Array = np.linspace(values[0], values[-1], k)
        return spread
    if init == "density":
        ranks = np.cumsum(counts)
        at = np.searchsorted(ranks, (np.arange(k) + 0.5) * (ranks[-1] / k))
        return np.asarray(values[at], np.float64)
    if init == "random":
        return np.asarray(np.sort(np.random.default_rng(seed).choice(values, k, replace=False)), np.float64)
    raise ValueError(f"no such init: {init}")


def starts(values: Array, centroids: Array) -> Array:
    """Where each cluster's interval of `values` begins, int64 [k]; a value half way belongs to the upper cluster."""
    return np.concatenate([[0], np.searchsorted(values, middles(centroids))]).astype(np.int64)


def middles(centroids: Array) -> Array:
    """Half way between neighbours, float64 [k - 1]."""
    return np.asarray(centroids[:-1] + (centroids[1:] - centroids[:-1]) / 2)


def sums(values: Array, counts: Array) -> tuple[Array, Array]:
    """`products` and `ranks` for `step`."""
    return values * counts, np.concatenate([[0], np.cumsum(counts)])


def step(values: Array, products: Array, ranks: Array, centroids: Array) -> Array:
    """One iteration: assign, then move each centroid to its cluster's mean. Inertia never grows.

    `products` is values * counts; `ranks` is how many lie before each value, and at last how many there are. A
    cluster without values moves to the value farthest from its own centroid.
    """
    begin = starts(values, centroids)
    end = np.append(begin[1:], values.size)
    used = end > begin
    moved = centroids.copy()
    means = np.add.reduceat(products, begin[used]) / (ranks[end[used]] - ranks[begin[used]])
    moved[used] = np.clip(means, values[begin[used]], values[end[used] - 1])
    empty = np.flatnonzero(~used)
    if empty.size:
        ends = np.concatenate([values[begin[used]], values[end[used] - 1]])
        far = np.abs(ends - np.concatenate([moved[used], moved[used]]))
        best = np.argsort(-far, kind="stable")[: empty.size]
        moved[empty[: best.size]] = ends[best]
    return np.sort(moved)


def kmeans(
    values: Array, counts: Array, k: int, *, init: str = "optimal", seed: int = 0, max_iter: int = 1000
) -> Array:
    """k ascending centroids, float64, of ascending distinct `values` (float64) that occur `counts` times.

    k >= len(values) gives the values themselves.
    """
    if k >= values.size:
        return np.asarray(values, np.float64)
    return lloyd(values, counts, initial(values, counts, k, init, seed), max_iter)


def lloyd(values: Array, counts: Array, centroids: Array, max_iter: int) -> Array:
    """The centroids after `max_iter` iterations, or as soon as they stay. Inertia is no more than before."""
    products, ranks = sums(values, counts)
    for _ in range(max_iter):
        moved = step(values, products, ranks, centroids)
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids


def inertia(values: Array, counts: Array, centroids: Array) -> float:
    """The sum of squared distances to the nearest centroid."""
    begin = starts(values, centroids)
    label = np.repeat(np.arange(centroids.size), np.diff(np.append(begin, values.size)))
    return float(np.sum(counts * np.square(values - centroids[label])))
