"""How far a tensor's format has to reach: as far as all samples go, unless a few of them ruin the others."""

import numpy as np

from emcc.ir.graph import Array, Format

FEW = 200
"""One sample in so many may be left outside, and one where there are at least LEAST."""

LEAST = 16

HARM = {16: 1e-3, 8: 1e-2}
"""By width: the share of the variance of what the next layer sees, up to which rounding does no harm."""


def few(samples: int) -> int:
    """How many of so many samples may be left outside."""
    return max(samples // FEW, int(samples >= LEAST))


def error(values: Array, fmt: Format) -> float:
    """Mean squared error of `values` in `fmt`, saturation included."""
    return float(np.mean(np.square(fmt.dequantise(fmt.quantise(values)) - values))) if values.size else 0.0


def widest(top: float, bottom: float, width: int) -> int:
    """The most fraction bits with which [bottom, top] does not saturate; width - 1 for an empty range."""
    reach = max(abs(top), abs(bottom))
    if reach == 0:
        return width - 1
    frac = width - int(np.frexp(reach)[1])
    while not (Format(width, 0).low <= np.ldexp(bottom, frac) and np.ldexp(top, frac) <= Format(width, 0).high):
        frac -= 1
    return frac


def safe(values: Array, width: int, headroom: float) -> Format:
    """The finest format in which `headroom` times the range of `values` does not saturate.

    Raises OverflowError where that is not finite.
    """
    top, bottom = float(values.max(initial=0.0)) * headroom, float(values.min(initial=0.0)) * headroom
    if not (np.isfinite(top) and np.isfinite(bottom)):
        raise OverflowError
    return Format(width, widest(top, bottom, width))


def held(values: Array, weight: Array, width: int, headroom: float) -> Array:
    """bool [n]: the samples that a format should hold.

    All of them, unless the format that takes costs the others more than HARM: then as few as possible are left outside,
    those that reach farthest, at most one in FEW, as long as that halves the others' error.

    Args:
        values: float64 [n, features]. weight: float64 [features], what a squared error of each costs: the sum of the
            squares of the weights that it meets next.
    """
    n = len(values)
    everyone = np.ones(n, bool)
    most = few(n)
    reach = np.abs(values).max(axis=1, initial=0.0)
    if not most or not np.isfinite(reach).all():
        return everyone
    order = np.argsort(reach, kind="stable")
    core = values[order[: n - most]]
    harm = HARM[width] * float(core.var(axis=0) @ weight)
    best, least, seen = 0, np.inf, None
    for count in range(most + 1):
        fmt = safe(values[order[: n - count]], width, headroom)
        if fmt == seen:
            continue
        seen = fmt
        cost = float(np.square(fmt.dequantise(fmt.quantise(core)) - core).mean(axis=0) @ weight)
        if cost < least / 2:
            best, least = count, cost
        if least <= harm:
            break
    everyone[order[n - best :]] = False
    return everyone
