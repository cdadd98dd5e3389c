"""How many channels each family loses, and which."""

import heapq
from collections.abc import Mapping

import numpy as np

from emcc.compress.channels.cut import Kept, cut
from emcc.compress.channels.families import Channels
from emcc.compress.problem import Problem
from emcc.ir.graph import Array

LEVELS = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875)
"""Shares of a family's units that the sensitivity scan takes out."""

Worth = Mapping[str, Array]
"""float64 [n] by the family's name: what each unit is worth. The least goes first; of equals the first."""


def left(size: int, share: float) -> int:
    """How many of `size` units stay: the nearest whole number, halves up; one at least."""
    return max(1, min(size, int(np.floor(size * share + 0.5))))


def best(worth: Worth, counts: Mapping[str, int]) -> Kept:
    """The units of the most worth, so many a family."""
    kept = {}
    for name, count in counts.items():
        mask = np.zeros(len(worth[name]), bool)
        mask[np.argsort(worth[name], kind="stable")[len(mask) - count :]] = True
        kept[name] = mask
    return kept


def ranked(worth: Worth, count: int) -> dict[str, int]:
    """`count` units stay of all these families, those of the most worth in one ranking; one a family at least."""
    floor = {name: float(array.max()) for name, array in worth.items()}
    rest = sorted(
        (float(value), name) for name, array in worth.items() for value in np.sort(array, kind="stable")[:-1].tolist()
    )
    counts = dict.fromkeys(floor, 1)
    for _, name in rest[len(rest) - max(0, count - len(counts)) :] if count > len(counts) else ():
        counts[name] += 1
    return counts


def scanned(channels: Channels, worth: Worth, problem: Problem) -> dict[str, list[tuple[int, float]]]:
    """By family, (units gone, rise of the held-out loss) where it alone loses them, without training: the sensitivity
    of Li et al. (ICLR 2017, section 3.2)."""
    loss, _ = problem.judge(channels.graph)
    curves = {}
    for family in channels.families:
        if family.name not in worth:
            continue
        curve = [(0, 0.0)]
        for share in LEVELS:
            gone = len(family) - left(len(family), 1 - share)
            if gone > curve[-1][0]:
                kept = best(worth, {family.name: len(family) - gone})
                curve.append((gone, problem.judge(cut(channels, kept))[0] - loss))
        curves[family.name] = curve
    return curves


def by_sensitivity(
    curves: Mapping[str, list[tuple[int, float]]], sizes: Mapping[str, int], count: int
) -> dict[str, int]:
    """`count` units stay: one goes after another, from the family whose loss rises least by then."""
    rises = {name: _every(curve, sizes[name]) for name, curve in curves.items()}
    counts = dict(sizes)
    heap = [(float(rise[1]), name) for name, rise in rises.items() if sizes[name] > 1]
    heapq.heapify(heap)
    for _ in range(sum(sizes.values()) - count):
        if not heap:
            break
        _, name = heapq.heappop(heap)
        counts[name] -= 1
        if counts[name] > 1:
            heapq.heappush(heap, (float(rises[name][sizes[name] - counts[name] + 1]), name))
    return counts


def _every(curve: list[tuple[int, float]], size: int) -> Array:
    """float64 [size]: the rise with 0, 1, ... units gone, between what was measured by straight lines, never falling.

    Beyond what was measured it goes on as steeply as last.
    """
    gone, rise = (np.array(part, np.float64) for part in zip(*curve, strict=True))
    rise = np.maximum.accumulate(np.maximum(rise, 0.0))
    steps = np.arange(size, dtype=np.float64)
    values = np.interp(steps, gone, rise)
    beyond = steps > gone[-1]
    if len(gone) > 1:
        steep = (rise[-1] - rise[-2]) / (gone[-1] - gone[-2])
        values = np.where(beyond, rise[-1] + steep * (steps - gone[-1]), values)
    return np.asarray(values)
