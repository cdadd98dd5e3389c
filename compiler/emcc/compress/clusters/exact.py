"""The optimum of one-dimensional k-means: some cut of the ascending values is the best of all clusterings."""

from functools import lru_cache
from threading import Lock

import numpy as np

from emcc.ir.graph import Array

LEVELS = 1 << 15
"""The optimum is exact among so many values. More are first merged to about so many levels."""

_SMALL, _SMALL_WORK = 1 << 10, 1 << 25
_KEPT = 8
"""Sets of points whose dynamic program is kept: a search asks each of its layers for many sizes."""


def optimal(values: Array, counts: Array, k: int) -> Array:
    """The k ascending centroids, float64, of least inertia for n ascending distinct `values`, `counts` times each.

    n > LEVELS values are merged to levels first. k >= n gives the values themselves. Costs are float64: what is below
    some 1e-16 of the sum of squares about the median is not always told apart.
    """
    if k >= values.size:
        return np.asarray(values, np.float64)
    values, counts = merged(values, counts, LEVELS)
    begin = cut_points(values, counts, k)
    means: Array = np.add.reduceat(values * counts, begin) / np.add.reduceat(counts, begin)
    return np.clip(means, values[begin], values[np.append(begin[1:], values.size) - 1])


def merged(values: Array, counts: Array, levels: int) -> tuple[Array, Array]:
    """(ascending means, float64 counts) of at most `levels` groups of neighbours, and at least a third of that.

    A group is bounded in its share of the range, of the values and (but for a single value) of the counts: neither
    outliers nor crowds take the resolution away from the rest.
    """
    counts = counts.astype(np.float64)
    if values.size <= levels:
        return np.asarray(values, np.float64), counts
    in_range = (values - values[0]) / (values[-1] - values[0])
    in_rank = np.arange(values.size) / values.size
    in_count = np.cumsum(counts) / counts.sum()
    level = ((in_range + in_rank + in_count) * ((levels - 1) / 3)).astype(np.int64)
    begin = np.flatnonzero(np.diff(level, prepend=-1))
    weight = np.add.reduceat(counts, begin)
    return np.add.reduceat(values * counts, begin) / weight, weight


def cut_points(values: Array, counts: Array, k: int) -> Array:
    """Where the best k clusters begin among n > k ascending values, int64 [k]."""
    sums = running_sums(values, counts)
    n = values.size
    if n <= _SMALL and n * n * k <= _SMALL_WORK:
        return _cuts_by_matrix(*sums, k)
    from emcc.compress.clusters.kernels import cuts

    ends: Array = cuts(*sums, k)
    return ends


def running_sums(values: Array, counts: Array) -> tuple[Array, Array, Array]:
    """Float64 [n + 1] each: differences between two places are the sums of w, w x and w x**2 over the points between.

    x is relative to the median, and the sums run outward from it: an outlier takes no precision from what is inside.
    """
    weight = counts.astype(np.float64)
    middle = int(np.searchsorted(np.cumsum(weight), weight.sum() / 2))
    x = values - values[middle]
    terms = (weight, weight * x, weight * x * x)
    first, second, third = (
        np.concatenate([-np.cumsum(term[:middle][::-1])[::-1], [0.0], np.cumsum(term[middle:])]) for term in terms
    )
    return first, second, third


def _cuts_by_matrix(weight: Array, total: Array, square: Array, k: int) -> Array:
    """As kernels.cuts, in O(n**2 k), without compiled code; what is known of the same points for other k is used."""
    return _rows_of(weight.tobytes(), total.tobytes(), square.tobytes()).cuts(k)


@lru_cache(maxsize=_KEPT)
def _rows_of(*sums: bytes) -> "_Rows":
    return _Rows(*(np.frombuffer(part) for part in sums))


class _Rows:
    """The dynamic program of n points as matrices, as many clusters as were asked for yet.

    Row e of the costs has what clusters cost that end before point e, by where they begin; element e of `_last[c]` is
    where the last of c + 2 clusters begins, and of `_before` what as many as there are by now cost together.
    """

    def __init__(self, weight: Array, total: Array, square: Array) -> None:
        n = weight.size - 1
        size, cost = weight[:, None] - weight, total[:, None] - total
        np.square(cost, out=cost)
        with np.errstate(divide="ignore", invalid="ignore"):
            np.divide(cost, size, out=cost)
        np.subtract(square[:, None], square, out=size)
        np.subtract(size, cost, out=cost)
        np.maximum(cost, 0.0, out=cost)
        every = np.arange(n + 1)
        cost[every[1:], every[:-1]] = 0.0
        cost[every[:, None] <= every] = np.inf
        self._cost, self._before, self._last = cost, cost[:, 0], list[Array]()
        self._lock = Lock()

    def cuts(self, k: int) -> Array:
        """Where the k clusters of least inertia begin, int64 [k]."""
        with self._lock:
            if len(self._last) < k - 1:
                self._extend(k)
        begin = np.zeros(k, np.int64)
        end = len(self._cost) - 1
        for c in range(k - 1, 0, -1):
            begin[c] = end = self._last[c - 1][end]
        return begin

    def _extend(self, k: int) -> None:
        sums, every = np.empty_like(self._cost), np.arange(len(self._cost))
        while len(self._last) < k - 1:
            np.add(self._cost, self._before, out=sums)
            last = np.argmin(sums, axis=1)
            self._before = sums[every, last]
            self._last.append(last.astype(np.int16))
