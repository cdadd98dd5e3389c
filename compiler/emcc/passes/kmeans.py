"""K-means of numbers: Lloyd's algorithm on sorted values, where a cluster is an interval."""

import numpy as np

from emcc.ir.graph import Array

INITS = ("linear", "density", "random")


def initial(values: Array, counts: Array, k: int, init: str, seed: int) -> Array:
    """k ascending starting centroids for ascending distinct `values` that occur `counts` times.

    linear: evenly over the range (keeps the few large weights; the best of the three in Han et al., "Deep
    Compression", ICLR 2016). density: evenly over the ranks. random: k distinct values.
    """
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
    halves = centroids[:-1] + (centroids[1:] - centroids[:-1]) / 2
    return np.concatenate([[0], np.searchsorted(values, halves)]).astype(np.int64)


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


def kmeans(values: Array, counts: Array, k: int, *, init: str = "linear", seed: int = 0, max_iter: int = 100) -> Array:
    """k ascending centroids, float64, of ascending distinct `values` (float64, k < len) that occur `counts` times."""
    centroids = initial(values, counts, k, init, seed)
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
