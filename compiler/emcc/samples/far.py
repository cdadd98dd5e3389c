"""Samples far outside all others: a glitch of a sensor, which would set everybody's scale."""

from dataclasses import dataclass

import numpy as np

from emcc.ir.graph import Array
from emcc.samples.dataset import Dataset
from emcc.samples.split import spread

FAR = 100.0
"""How many times the reach of the others a number has to be off."""

FEW = 200
"""One sample in so many may be far outside, and one where there are at least LEAST."""

LEAST = 16
STILL = 0.5
"""A feature that is its median in more than this share of the samples mostly stays where it is."""

_ROWS, _CHUNK = 4096, 1 << 22


@dataclass(frozen=True)
class Far:
    """One sample: its number in the data, the feature that is farthest (of the flattened sample), its value there, and
    how many times the others' reach that is."""

    sample: int
    feature: int
    value: float
    times: float


def far(x: Array) -> list[Far]:
    """Samples of x, float32 [n, ...], with a feature FAR times farther from its middle than all but one in FEW go.

    A feature's reach is the largest distance from its median, on at most 4,096 samples, once the one in FEW that is
    farthest is left out. One that mostly stays where it is, as the pixels at an image's border do, has the largest of
    all reaches. Nothing where more than one sample in FEW is far: then it is no glitch.
    """
    n = len(x)
    most = max(n // FEW, int(n >= LEAST))
    if not most:
        return []
    rows = np.asarray(x[spread(n, _ROWS)], np.float64).reshape(min(n, _ROWS), -1)
    middle = np.median(rows, axis=0)
    distance = np.abs(rows - middle)
    skipped = max(len(rows) // FEW, 1)
    reach = np.partition(distance, len(rows) - 1 - skipped, axis=0)[len(rows) - 1 - skipped]
    if not reach.any():
        return []
    still = (distance == 0).mean(axis=0) > STILL
    reach = np.where(still, reach.max(), np.maximum(reach, 1e-6 * np.abs(middle)))
    found: list[Far] = []
    step = max(1, _CHUNK // reach.size)
    for begin in range(0, n, step):
        part = np.asarray(x[begin : begin + step], np.float64).reshape(-1, reach.size)
        times = np.abs(part - middle) / reach
        worst = times.argmax(axis=1)
        for row in np.flatnonzero(times.max(axis=1) > FAR):
            at = int(worst[row])
            found.append(Far(begin + int(row), at, float(part[row, at]), float(times[row, at])))
            if len(found) > most:
                return []
    return found


def without(data: Dataset, outside: list[Far]) -> Dataset:
    """The data without these samples."""
    if not outside:
        return data
    kept = np.ones(len(data), bool)
    kept[[each.sample for each in outside]] = False
    return data.taken(kept)


def warning(outside: list[Far], samples: int) -> str:
    """What to tell the user."""
    worst = max(outside, key=lambda each: each.times)
    count = "a sample is" if len(outside) == 1 else f"{len(outside)} samples are"
    which = "sample" if len(outside) == 1 else "the farthest is sample"
    return (
        f"{count} far outside the other {samples - len(outside):,}: {which} {worst.sample}, whose feature "
        f"{worst.feature} is {worst.value:.6g}, {worst.times:.2g} times as far from the middle as the others go; not "
        f"calibrated or trained on, and saturated where it comes in"
    )
