"""The weights of a large layer as points, without sorting or copying them; k-means of it on a few passes."""

from dataclasses import dataclass

import numpy as np

from emcc.compress.clusters.lloyd import kmeans, lloyd, middles
from emcc.ir.graph import Array

CHUNK = 1 << 18
_HEAVY, _WIDE = 1 << 12, 1 << 13
_ROUNDS = 8


@dataclass(frozen=True)
class Points:
    """Non-zero weights, ascending: point i stands for `counts[i]` weights with the mean `values[i]` (float64).

    keys: the key of each point, or of the first number in its bucket; exact: whether it is one number and no bucket.
    """

    values: Array
    counts: Array
    keys: Array
    exact: Array


def distinct(weights: Array, limit: int) -> tuple[Array, Array] | None:
    """(the ascending distinct non-zero values, float64; how often each occurs), or None if more than `limit`."""
    flat = weights.reshape(-1)
    values, counts = np.zeros(0, flat.dtype), np.zeros(0, np.int64)
    step = CHUNK if limit < flat.size else max(1, flat.size)
    for begin in range(0, flat.size, step):
        chunk = flat[begin : begin + step]
        fresh, times = np.unique(chunk[chunk != 0], return_counts=True)
        both = np.concatenate([values, fresh])
        values, place = np.unique(both, return_inverse=True)
        counts = np.bincount(place, np.concatenate([counts, times]), values.size).astype(np.int64)
        if values.size > limit:
            return None
    return values.astype(np.float64), counts


def optimal_of_many(weights: Array, k: int, max_iter: int) -> Array:
    """The k ascending centroids, float64, of the non-zero float32 `weights`, which have more than LEVELS values.

    The optimum of merged buckets, then Lloyd's algorithm on the weights themselves: buckets in which a cluster ends
    are taken apart into their numbers, until no cluster ends within a bucket.
    """
    flat = flattened(weights)
    points = bucketed(flat)
    centroids = kmeans(points.values, points.counts, k, init="optimal", max_iter=max_iter)
    reach = _HEAVY // (2 * k)
    for _ in range(_ROUNDS):
        closed = _cut_buckets(points, centroids)
        if not closed.size:
            break
        near = np.unique(closed[:, None] + np.arange(-reach, reach + 1))
        near = near[(near >= 0) & (near < points.keys.size)]
        points = _apart(flat, points, near[~points.exact[near]])
        centroids = lloyd(points.values, points.counts, centroids, max_iter)
    return centroids


def _cut_buckets(points: Points, centroids: Array) -> Array:
    """The indices of points that are buckets with a middle between two centroids inside."""
    from emcc.compress.clusters.kernels import LOW_BITS

    bucket = key(thresholds(centroids)) >> LOW_BITS
    place = np.minimum(np.searchsorted(points.keys, bucket << LOW_BITS), points.keys.size - 1)
    inside = (points.keys[place] >> LOW_BITS == bucket) & ~points.exact[place]
    return np.unique(place[inside])


def bucketed(flat: Array) -> Points:
    """A point a bucket; those with more than 1/_HEAVY of the weights or 1/_WIDE of their range are taken apart."""
    from emcc.compress.clusters.kernels import LOW_BITS, tally

    buckets = tally(flat, flat.view(np.uint32))
    used = np.flatnonzero(buckets[:, 0])
    count, total = buckets[used, 0].astype(np.int64), buckets[used, 1]
    values = total / count
    width = number((used << LOW_BITS) + 1023).astype(np.float64) - number(used << LOW_BITS)
    large = (count > count.sum() // _HEAVY) | (width > (values[-1] - values[0]) / _WIDE)
    points = Points(values, count, used << LOW_BITS, np.zeros(used.size, bool))
    return _apart(flat, points, np.flatnonzero(large))


def _apart(flat: Array, points: Points, which: Array) -> Points:
    """The points with the buckets `which` taken apart into their numbers."""
    from emcc.compress.clusters.kernels import BUCKETS, LOW_BITS, tally_within

    if not which.size:
        return points
    row = np.full(BUCKETS, -1, np.int32)
    row[points.keys[which] >> LOW_BITS] = np.arange(which.size)
    table = tally_within(flat, flat.view(np.uint32), row, which.size)
    at, low = np.nonzero(table)
    keys = points.keys[which[at]] + low
    rest = np.ones(points.keys.size, bool)
    rest[which] = False
    merged = [
        np.concatenate(pair)
        for pair in (
            (points.keys[rest], keys),
            (points.values[rest], number(keys).astype(np.float64)),
            (points.counts[rest], table[at, low].astype(np.int64)),
            (points.exact[rest], np.ones(keys.size, bool)),
        )
    ]
    order = np.argsort(merged[0], kind="stable")
    keys, values, counts, exact = (array[order] for array in merged)
    return Points(values, counts, keys, exact)


def key(values: Array) -> Array:
    """The keys, int64, of float32 numbers: they order as the numbers do."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.int64)
    return np.where(bits >> 31, 0xFFFFFFFF - bits, bits | 0x80000000)


def number(keys: Array) -> Array:
    """The inverse of `key`."""
    bits = np.where(keys >> 31, keys & 0x7FFFFFFF, 0xFFFFFFFF - keys)
    return bits.astype(np.uint32).view(np.float32)


def thresholds(centroids: Array) -> Array:
    """The least float32 of each cluster but the first: float32 [k - 1]. A number half way is the upper cluster's."""
    halves = middles(centroids)
    rounded = halves.astype(np.float32)
    return np.where(rounded < halves, np.nextafter(rounded, np.float32(np.inf)), rounded)


def nearest(weights: Array, centroids: Array, base: int = 0) -> Array:
    """`base` (0 or 1) + the index of the nearest centroid, uint8, in the shape of `weights`.

    base 1: a zero weight is 0, whatever the centroids.
    """
    flat, limits = flattened(weights), thresholds(centroids)
    codes = np.empty(flat.size, np.uint8)
    if flat.size > CHUNK:
        from emcc.compress.clusters.kernels import assign

        upper = np.bincount(key(limits) >> 16, minlength=1 << 16)
        first = (np.cumsum(upper) - upper).astype(np.uint8)
        assign(flat, flat.view(np.uint32), limits, first, base, codes)
    else:
        codes[:] = np.searchsorted(limits, flat, side="right") + base
        if base:
            codes[flat == 0] = 0
    return codes.reshape(weights.shape)


def flattened(weights: Array) -> Array:
    """The float32 weights as one row, read-only (compiled code tells the two apart)."""
    flat = np.ascontiguousarray(weights, np.float32).reshape(-1).view()
    flat.flags.writeable = False
    return flat
