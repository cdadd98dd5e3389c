"""Where a function is cut in two, and what the two sides are worth: least squares on samples."""

import numpy as np

from emcc.ir.graph import Array


def threshold(sums: Array, values: Array) -> float:
    """The t for which two numbers, one where sums < t and one from t on, are nearest to `values`, float64 [n] both.

    That is the best quantiser of one bit (Lloyd 1982) among those that a step can be. 0 where no t is better than one
    number for all.
    """
    if len(sums) < 2:
        return 0.0
    order = np.argsort(sums, kind="stable")
    x, y = sums[order], values[order] - values.mean()
    below, count = np.cumsum(y)[:-1], np.arange(1, len(y))
    gain = np.where(x[1:] > x[:-1], np.square(below) * (1 / count + 1 / (len(y) - count)), 0.0)
    if gain.max() <= 0:
        return 0.0
    place = int(gain.argmax())
    return float(x[place] + (x[place + 1] - x[place]) / 2)


def line(signs: Array, values: Array) -> tuple[float, float]:
    """(scale, offset) with which scale * signs + offset is nearest to `values`; scale 0 where all signs are alike."""
    centred = signs - signs.mean()
    square = float(np.square(centred).sum())
    scale = float((centred * values).sum()) / square if square > 0 else 0.0
    return scale, float(values.mean() - scale * signs.mean())
