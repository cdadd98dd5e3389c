"""A layer's weights to a codebook: the nearest of the best centroids, or those that are cheap to code."""

import numpy as np

from emcc.compress.clusters.exact import LEVELS
from emcc.compress.clusters.lloyd import kmeans
from emcc.compress.clusters.points import distinct, nearest, optimal_of_many
from emcc.ir.codebook import CODE_WIDTHS, canonical
from emcc.ir.graph import Array, Codebook
from emcc.passes.layer_integers import of_16_bits

ROUNDS = 12
"""Of moving weights and centroids in `priced`."""


def cluster(
    weights: Array,
    bits: int,
    *,
    init: str = "optimal",
    seed: int = 0,
    max_iter: int = 1000,
    importance: Array | None = None,
    wide: bool = False,
) -> Codebook:
    """A codebook of at most 2**bits entries for `weights` (any shape, finite float32).

    Zeros are code 0 and are not clustered. Distinct values that fit are kept exactly. `bits` 0 takes the smallest
    width that keeps all exactly, or 8; if `wide`, or 16. With 16 nothing is clustered: see `of_16_bits`. `importance`,
    float64 > 0 in the shape of the weights, is what the squared error of each counts; all count the same without it.
    """
    has_zero = np.count_nonzero(weights) < weights.size
    points = distinct(weights, LEVELS if init == "optimal" else weights.size)
    entries = points[0].size + has_zero if points else LEVELS
    if bits == 0:
        many = points is None or entries > 2 ** CODE_WIDTHS[-1]
        bits = 16 if wide and many else next((width for width in CODE_WIDTHS if entries <= 2**width), 8)
    if bits == 16:
        return of_16_bits(weights)
    room = 2**bits - has_zero
    if importance is not None and (points is None or points[0].size > room):
        centroids = kmeans(*weighed(weights, importance), room, init=init, seed=seed, max_iter=max_iter)
    elif points is None:
        centroids = optimal_of_many(weights, room, max_iter)
    else:
        centroids = kmeans(*points, room, init=init, seed=seed, max_iter=max_iter)
    codes = nearest(weights, centroids, base=int(has_zero))
    return canonical(np.concatenate([[0.0], centroids]) if has_zero else centroids, codes, bits)


def weighed(weights: Array, importance: Array) -> tuple[Array, Array]:
    """(the ascending distinct non-zero weights, float64; the sum of the importance of each)."""
    kept = weights.ravel() != 0
    values, place = np.unique(weights.ravel()[kept].astype(np.float64), return_inverse=True)
    return values, np.bincount(place, importance.ravel()[kept], values.size)


def priced(weights: Array, entries: int, price: float, importance: Array | None = None) -> tuple[Array, Array]:
    """(values float32 [K], codes uint8): at most `entries` clusters of the non-zero weights, and zero as entry 0.

    Entropy-constrained: after k-means, each weight goes to the cluster with the least (w - c)**2 / mean square +
    price * bits, bits = -log2 of the cluster's share (Chou, Lookabaugh and Gray 1989). With two entries or more no
    weight changes its sign. `importance`, float64 > 0 in the shape of the weights, is what each weight's squared error
    counts against the others'; all count the same without it.
    """
    kept = weights.ravel() != 0
    nonzero = weights.ravel()[kept].astype(np.float64)
    codes = np.zeros(weights.size, np.uint8)
    if not nonzero.size:
        return np.zeros(1, np.float32), codes.reshape(weights.shape)
    points, place, counts = np.unique(nonzero, return_inverse=True, return_counts=True)
    mass = counts if importance is None else _mass(importance.ravel()[kept], place, points.size)
    if points.size <= entries:
        centroids, labels = points, np.arange(points.size)
    else:
        centroids, labels = _settled(points, counts, mass, _both_signs(points, mass, entries), price)
    values = np.concatenate([[0.0], centroids]).astype(np.float32)
    codes[kept] = labels[place] + 1
    return values, codes.reshape(weights.shape)


def _mass(importance: Array, place: Array, count: int) -> Array:
    """What the errors of `count` points count, float64: the sum of their weights' importance, of mean 1 a weight."""
    return np.bincount(place, importance / importance.mean(), count)


def entropy(codes: Array) -> float:
    """Bits that the non-zero codes take together, at their own distribution."""
    counts = np.bincount(codes.ravel())[1:]
    counts = counts[counts > 0]
    return float(-(counts * np.log2(counts / max(1, counts.sum()))).sum()) + 0.0


def _both_signs(points: Array, mass: Array, entries: int) -> Array:
    """K-means' centroids; where all are on one side of zero and some points are not, one goes to the other side."""
    centroids = kmeans(points, mass, entries)
    for side in (points < 0, points > 0):
        if entries > 1 and side.any() and not (np.sign(centroids) == np.sign(points[side][0])).any():
            mean = np.average(points[side], weights=mass[side])
            return np.sort(np.append(kmeans(points[~side], mass[~side], entries - 1), mean))
    return centroids


def _settled(points: Array, counts: Array, mass: Array, centroids: Array, price: float) -> tuple[Array, Array]:
    """Centroids, and the label of each point, after ROUNDS; a point is `counts` weights, whose errors count `mass`."""
    scale = float(mass @ np.square(points)) / mass.sum()
    each = (mass / counts)[:, None]
    bits = np.zeros(centroids.size)
    labels = np.zeros(points.size, np.int64)
    signs = np.sign(points)[:, None]
    for _ in range(ROUNDS):
        cost = points[:, None] - centroids
        np.square(cost, out=cost)
        np.multiply(each, cost, out=cost)
        cost /= scale
        cost += price * bits
        # A cluster on the other side of zero would turn a sign.
        np.add(cost, 1e6, out=cost, where=signs != np.sign(centroids))
        labels = cost.argmin(axis=1)
        share = np.bincount(labels, counts, centroids.size)
        used = share > 0
        sums = np.bincount(labels, mass * points, centroids.size)
        centroids = sums[used] / np.bincount(labels, mass, centroids.size)[used]
        bits = -np.log2(share[used] / share.sum())
        labels = (np.cumsum(used) - 1)[labels]
    return centroids, labels
