"""Quality on fresh samples, what was lost, and how sure that is: all in percent, sample by sample.

A classifier's quality is the share of right classes. A regression's is the share of the true targets' variance that is
explained, an output at a time: 100 (1 - squared error / squared distance from the mean).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from emcc.ir.graph import Array

SURE = 0.95


@dataclass(frozen=True)
class Paired:
    """A model before and after, on the same samples, in percent.

    Attributes:
        before, after: quality.
        low, high: where the loss lies with a probability of SURE: between both.
        least: what the loss exceeds with a probability of SURE, one-sided.
    """

    before: float
    after: float
    low: float
    high: float
    least: float

    @property
    def loss(self) -> float:
        """Points lost."""
        return self.before - self.after

    @property
    def interval(self) -> float:
        """Half the width of the loss's interval."""
        return (self.high - self.low) / 2


def classified(outputs: Array) -> Array:
    """Return each sample's class, int64 [n]: of one output whether it is above a half, else the largest's place."""
    flat = outputs.reshape(len(outputs), -1)
    return np.asarray(flat[:, 0] > 0.5 if flat.shape[1] == 1 else flat.argmax(axis=1), np.int64)


def accuracies(before: Array, after: Array, labels: Array) -> Paired:
    """Compare outputs [n, outputs] of a classifier by their labels, int64 [n].

    The interval is Tango's score interval for a difference of paired proportions ("Equivalence test and confidence
    interval for the difference in proportions for the paired-sample design", 1998): it is not empty where no sample
    changed its class.
    """
    right, still = (classified(outputs) == labels for outputs in (before, after))
    lost, won, count = int((right & ~still).sum()), int((~right & still).sum()), len(labels)
    two, one = (float(special.ndtri(share)) for share in (0.5 + SURE / 2, SURE))
    low, high, least = (100 * _tango(lost, won, count, z) for z in (two, -two, one))
    return Paired(100 * float(right.mean()), 100 * float(still.mean()), low, high, least)


def _tango(lost: int, won: int, count: int, z: float) -> float:
    """Return the loss, a share, at which the score statistic is z; for z > 0 it is below the measured one."""

    def statistic(loss: float) -> float:
        # The chance of a win that is likeliest where lost - won has the mean `loss`: a root of 2n q² + b q - c.
        b = -lost - won + (2 * count - lost + won) * loss
        c = won * loss * (1 - loss)
        q = (math.sqrt(max(0.0, b * b + 8 * count * c)) - b) / (4 * count)
        spread = math.sqrt(max(0.0, count * (2 * q + loss * (1 - loss))))
        away = lost - won - count * loss
        return away / spread if spread else math.copysign(math.inf, away) if away else 0.0

    measured = (lost - won) / count
    return _root(lambda loss: statistic(loss) - z, *((-1.0, measured) if z > 0 else (measured, 1.0)))


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function that falls crosses zero, by halving."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def explained(before: Array, after: Array, targets: Array) -> list[Paired]:
    """Compare outputs of a regression by their true targets, [n, outputs]: the mean over outputs, then each.

    The loss is a ratio of means over samples, its interval Student's around it, with the ratio's spread to first order:
    that of what each sample adds to the loss, less the loss times what the sample adds to the variance.
    """
    wide = [np.asarray(values, np.float64).reshape(len(targets), -1) for values in (before, after, targets)]
    wanted = wide[2]
    away = np.square(wanted - wanted.mean(axis=0))
    variance = np.where(away.mean(axis=0) > 0, away.mean(axis=0), 1.0)
    errors = [np.square(values - wanted) / variance for values in wide[:2]]
    losses = errors[1].mean(axis=0) - errors[0].mean(axis=0)
    adds = errors[1] - errors[0] - losses * (away / variance)
    every = slice(0, wanted.shape[1])
    return [_mean(errors, adds, columns) for columns in (every, *(slice(i, i + 1) for i in range(wanted.shape[1])))]


def _mean(errors: list[Array], adds: Array, columns: slice) -> Paired:
    """Return the mean over some outputs."""
    before, after = (100 * (1 - float(values[:, columns].mean())) for values in errors)
    count = len(adds)
    if count < 2:
        return Paired(before, after, -math.inf, math.inf, -math.inf)
    error = 100 * float(adds[:, columns].mean(axis=1).std(ddof=1)) / math.sqrt(count)
    two, one = (float(special.stdtrit(count - 1, share)) for share in (0.5 + SURE / 2, SURE))
    loss = before - after
    return Paired(before, after, loss - two * error, loss + two * error, loss - one * error)
