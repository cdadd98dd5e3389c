"""Which samples train and which decide."""

from dataclasses import dataclass

import numpy as np

from emcc.ir.graph import Array
from emcc.samples.dataset import Dataset

JUDGES = 10_000
"""Most samples that decide: more would not make a decision better, only slower."""

HELD, VALIDATED, ALL = "held out", "validation data", "all samples"


@dataclass(frozen=True)
class Sides:
    """Samples that train, and others that decide.

    Attributes:
        train: rows of the data, int64, ascending.
        judges: what holds the samples that decide; held: its rows, int64, ascending.
        source: where those come from: one of HELD, VALIDATED and ALL (too few to hold any out, or nothing trains).
    """

    train: Array
    judges: Dataset
    held: Array
    source: str


def split(
    data: Dataset,
    holdout: float,
    seed: int,
    validation: Dataset | None = None,
    wanted: int = 0,
    most: int | None = None,
) -> Sides:
    """Split data in two, by chance.

    Args:
        holdout: share of the samples that decides; none of them trains. Up to half of them where that is fewer than
            `wanted`. 0: all train and decide.
        validation: decides instead.
        most: samples that decide, at most JUDGES.
    """
    samples, most = len(data), min(JUDGES, most or JUDGES)
    if validation is not None:
        return Sides(np.arange(samples), validation, spread(len(validation), most), VALIDATED)
    share = max(round(samples * holdout), min(wanted, samples // 2))
    held = min(max(1, share), most, samples - 1) if holdout else 0
    if held < 1:
        return Sides(np.arange(samples), data, spread(samples, most), ALL)
    order = np.random.default_rng([seed, 0x5B117]).permutation(samples)
    return Sides(np.sort(order[held:]), data, np.sort(order[:held]), HELD)


def spread(length: int, count: int) -> Array:
    """Return at most `count` row numbers spread evenly over `length` rows, ascending: int64."""
    count = min(count, length)
    return np.arange(count, dtype=np.int64) * length // max(count, 1)
