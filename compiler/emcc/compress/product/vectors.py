"""K-means of vectors: Lloyd's algorithm on samples, and the nearest centroid of all."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from emcc.ir.graph import Array

PIECE = 1 << 14


def kmeans(points: Array, count: int, rounds: int, rng: np.random.Generator) -> Array:
    """At most `count` centroids, float32 [K, B], of float32 `points` [n, B]; points that fit are kept exactly.

    Lloyd's algorithm from distinct points at random, for so many rounds or until nothing changes. A centroid without
    points is put beside that of the most, as Stock et al. 2020 do (section 4.1): both are moved apart by a
    hundred-thousandth.
    """
    distinct = np.unique(points, axis=0)
    if len(distinct) <= count:
        return distinct
    centroids = distinct[np.sort(rng.choice(len(distinct), count, replace=False))]
    for _ in range(rounds):
        codes = assigned(points, centroids)
        moved = means(points, codes, centroids)
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids


def means(points: Array, codes: Array, centroids: Array) -> Array:
    """The mean of each centroid's points, float32; centroids without points beside those of the most."""
    from emcc.compress.product.kernels import add_up

    sums, counts = np.zeros(centroids.shape), np.zeros(len(centroids), np.int64)
    add_up(points, codes, sums, counts)
    moved = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    for empty in np.flatnonzero(counts == 0):
        most = int(np.argmax(counts))
        moved[empty], moved[most] = moved[most] * np.float32(1 + 1e-5), moved[most] * np.float32(1 - 1e-5)
        counts[empty], counts[most] = counts[most] // 2, counts[most] - counts[most] // 2
    return moved


def assigned(points: Array, centroids: Array) -> Array:
    """The number of the centroid nearest to each point, uint8 [n]; several pieces at a time."""
    from emcc.compress.product.kernels import nearest

    codes, turned = np.empty(len(points), np.uint8), np.ascontiguousarray(centroids.T)
    half = (np.square(centroids, dtype=np.float64).sum(axis=1) / 2).astype(np.float32)

    def job(begin: int) -> None:
        nearest(points[begin : begin + PIECE], turned, half, codes[begin : begin + PIECE])

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        list(pool.map(job, range(0, len(points), PIECE)))
    return codes
