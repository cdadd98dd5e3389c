"""Compiled loops of k-means, for layers that are large enough to pay for loading numba.

A weight's key is its float32 bits as an uint32 that orders as the number does; its bucket is the key's upper bits.
Zero weights are passed over. Weights come as a flat, read-only float32 array.
"""

import numpy as np

from emcc.base.jit import compiled
from emcc.ir.graph import Array

LOW_BITS = 10
"""Bits of a key below its bucket: a bucket is 2**-13 of its numbers wide and holds 1024 different ones."""
BUCKETS = 1 << (32 - LOW_BITS)


@compiled
def cuts(weight: Array, total: Array, square: Array, k: int) -> Array:
    """Where the k clusters of least inertia begin among n points, int64 [k]; all are non-empty, n >= k.

    weight, total, square: float64 [n + 1], as of kmeans_exact.running_sums.
    Dynamic programming over the number of clusters. The best last cut never moves down as points are added, so each
    row is solved by divide and conquer in O(n log n) (Wu, "Optimal quantization by matrix searching", J. Algorithms
    12, 1991); of equal cuts the lowest counts.
    """
    n = weight.size - 1
    before, now = np.empty(n + 1), np.empty(n + 1)
    best_cut = np.zeros((k + 1, n + 1), np.int32)
    stack = np.empty((128, 4), np.int64)
    for j in range(1, n + 1):
        part = total[j] - total[0]
        before[j] = max(square[j] - square[0] - part * part / (weight[j] - weight[0]), 0.0) if j > 1 else 0.0
    for c in range(2, k + 1):
        # Rows but the last must leave a point for each later cluster; of the last only the end matters.
        stack[0, 0] = n if c == k else c
        stack[0, 1] = n - k + c
        stack[0, 2], stack[0, 3] = c - 1, n - 1
        top = 1
        while top:
            top -= 1
            first, last, low, high = stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3]
            if first > last:
                continue
            j = (first + last) // 2
            w, t, s, best, cut = weight[j], total[j], square[j], np.inf, low
            for i in range(low, min(j - 2, high) + 1):
                part = t - total[i]
                cost = before[i] + max(s - square[i] - part * part / (w - weight[i]), 0.0)
                if cost < best:
                    best, cut = cost, i
            if j - 1 <= high and before[j - 1] < best:
                best, cut = before[j - 1], j - 1
            now[j], best_cut[c, j] = best, cut
            stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = first, j - 1, low, cut
            stack[top + 1, 0], stack[top + 1, 1], stack[top + 1, 2], stack[top + 1, 3] = j + 1, last, cut, high
            top += 2
        before, now = now, before
    begin = np.zeros(k, np.int64)
    end = n
    for c in range(k, 1, -1):
        end = best_cut[c, end]
        begin[c - 1] = end
    return begin


@compiled
def tally(weights: Array, bits: Array) -> Array:
    """{how many, sum} of the non-zero weights in each bucket, float64 [BUCKETS, 2]. bits: the weights as uint32."""
    buckets = np.zeros((BUCKETS, 2))
    for i in range(weights.size):
        if weights[i] != 0:
            key = bits[i] ^ (np.uint32(0xFFFFFFFF) if bits[i] >> 31 else np.uint32(0x80000000))
            buckets[key >> LOW_BITS, 0] += 1
            buckets[key >> LOW_BITS, 1] += weights[i]
    return buckets


@compiled
def tally_within(weights: Array, bits: Array, row: Array, rows: int) -> Array:
    """How many non-zero weights have each key of some buckets: uint32 [rows, 2**LOW_BITS]; row: of a bucket, or -1."""
    count = np.zeros((rows, 1 << LOW_BITS), np.uint32)
    for i in range(weights.size):
        if weights[i] != 0:
            key = bits[i] ^ (np.uint32(0xFFFFFFFF) if bits[i] >> 31 else np.uint32(0x80000000))
            at = row[key >> LOW_BITS]
            if at >= 0:
                count[at, key & ((1 << LOW_BITS) - 1)] += 1
    return count


@compiled
def assign(weights: Array, bits: Array, thresholds: Array, first: Array, base: int, codes: Array) -> None:
    """codes[i] = base + how many of the ascending float32 `thresholds` are no greater; 0 for a zero weight if `base`.

    first: uint8 [2**16], how many thresholds are below all numbers with these upper 16 bits of the key.
    """
    for i in range(weights.size):
        if base and weights[i] == 0:
            codes[i] = 0
            continue
        key = bits[i] ^ (np.uint32(0xFFFFFFFF) if bits[i] >> 31 else np.uint32(0x80000000))
        code = np.int64(first[key >> 16])
        while code < thresholds.size and weights[i] >= thresholds[code]:
            code += 1
        codes[i] = code + base
