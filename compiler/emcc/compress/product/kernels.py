"""Compiled inner loops of k-means over sub-vectors. Sums have one order, so that every machine gives the same bits."""

import numpy as np

from emcc.base.jit import compiled
from emcc.ir.graph import Array


@compiled
def nearest(points: Array, turned: Array, half: Array, codes: Array) -> None:
    """Fill uint8 `codes` [n] with the centroid that is nearest to each of float32 `points` [n, B]; of equal the first.

    turned: float32 [B, K], the centroids; half: float32 [K], half of each one's squared size. |x - c|^2 is least where
    |c|^2 / 2 - x c is.
    """
    score = np.empty(len(half), np.float32)
    for i in range(len(points)):
        for k in range(len(half)):
            score[k] = half[k]
        for b in range(len(turned)):
            x = points[i, b]
            for k in range(len(half)):
                score[k] -= x * turned[b, k]
        best = 0
        for k in range(1, len(half)):
            if score[k] < score[best]:
                best = k
        codes[i] = best


@compiled
def add_up(points: Array, codes: Array, sums: Array, counts: Array) -> None:
    """Add float32 `points` [n, B] to float64 `sums` [K, B], and to int64 `counts` [K], by their codes."""
    for i in range(len(points)):
        code = codes[i]
        counts[code] += 1
        for b in range(points.shape[1]):
            sums[code, b] += points[i, b]
