"""What may be in an Affine, and a tensor's own: for those who write, read or check one."""

import numpy as np

from emcc.ir.graph import Affine, Array
from emcc.ir.norms import NORMS

LARGEST = 1e18
"""No scale that emcc chooses is larger, or smaller than its inverse."""


def sound(affine: Affine, elements: int) -> bool:
    """Whether scales and offsets are float64 [elements] or [1], all finite, no scale is 0, and the norm is known."""
    arrays = (affine.scale, affine.offset)
    sized = all(array.dtype == np.float64 and array.shape in ((1,), (elements,)) for array in arrays)
    return (
        sized
        and all(bool(np.isfinite(array).all()) for array in arrays)
        and bool(affine.scale.all() and affine.norm in ("", *NORMS))
    )


def plain(affine: Affine) -> bool:
    """Whether it changes nothing."""
    return bool((affine.scale == 1).all()) and not affine.offset.any() and not affine.norm


def compact(scale: Array, offset: Array, norm: str = "") -> Affine:
    """An Affine of these, float64 [elements]; those that are all the same become [1]."""
    scale, offset = (values[:1].copy() if (values == values[0]).all() else values for values in (scale, offset))
    return Affine(scale, offset, norm)


def single(values: Array) -> Array:
    """Float64 numbers that float32 holds: half the bytes of an artefact, and as good."""
    return values.astype(np.float32).astype(np.float64)
