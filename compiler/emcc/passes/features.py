"""Scales and offsets a feature, from what the data holds of it."""

import numpy as np

from emcc.ir.affine import LARGEST, compact, single
from emcc.ir.graph import Affine, Array
from emcc.passes.reach import few

OFTEN = 0.05
"""Share of exact zeros from which a feature keeps 0 at 0: the array skips zeros."""

REACH = {16: 8.0, 8: 4.0}
"""By width: a scaled feature's largest number, where its root mean square alone would let it go farther."""


def often_zero(x: Array) -> Array:
    """bool [features]: which features of x [n, features] are often exactly 0."""
    return np.asarray((x == 0).mean(axis=0) >= OFTEN)


def of_inputs(x: Array, width: int) -> Affine:
    """An Affine that gives each feature of x, float64 [n, features], the same use of a format.

    x goes in as (x - middle) / max(rms, reach / REACH), reach being the largest distance from the middle. The middle is
    the mean, and the few samples that are farthest from it do not count; but of a feature that is often 0 the middle is
    0, and all count, for it may be rare. A feature that never moves goes in as 0, and would use as much as it is large
    if it did.
    """
    rare = often_zero(x)
    offset = np.where(rare, 0.0, single(x.mean(axis=0)))
    still = (x == x[:1]).all(axis=0)
    offset = np.where(still, x[0], offset)
    moved = np.abs(x - offset)
    kept = len(x) - few(len(x))
    spread = np.where(rare, _spread(moved, width), _spread(np.partition(moved, kept - 1, axis=0)[:kept], width))
    return compact(single(1 / _filled(spread, np.abs(offset))), offset)


def of_outputs(y: Array, *, scaled: bool) -> Affine:
    """An Affine that leaves y, float64 [n, features], about 0, and, if `scaled`, each feature in its own unit."""
    offset = single(y.mean(axis=0))
    spread = np.ones(y.shape[1])
    if scaled:
        spread = single(_filled(np.sqrt(np.square(y - offset).mean(axis=0)), np.abs(offset)))
    return compact(spread, offset)


def _spread(distance: Array, width: int) -> Array:
    return np.asarray(np.maximum(np.sqrt(np.square(distance).mean(axis=0)), distance.max(axis=0) / REACH[width]))


def _filled(spread: Array, size: Array) -> Array:
    """Spreads, in the place of each 0 something: the feature's size, or else the others' middle, or 1."""
    known = spread[spread > 0]
    other = float(np.median(known)) if known.size else 1.0
    filled = np.where(spread > 0, spread, np.where(size > 0, size, other))
    return np.clip(filled, 1.001 / LARGEST, LARGEST / 1.001)
