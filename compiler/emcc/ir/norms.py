"""Norms that the host may divide a sample by: what ai.onnx.ml calls a Normalizer."""

from typing import Any

import numpy as np

NORMS = ("L1", "L2", "MAX")


def normalised(xp: Any, norm: str, x: Any) -> Any:
    """x [n, features] over each sample's norm, in float64 and then in x's own type; a sample of norm 0 stays as it is.

    L1 is the sum of magnitudes, L2 the root of the sum of squares; MAX the largest number, with its sign, as ONNX has
    it. `xp` is numpy or torch.
    """
    wide = x.astype(np.float64) if xp is np else x.double()
    by = _MEANINGS[norm](xp, wide)
    divided = wide / xp.where(by == 0, xp.ones_like(by), by)
    return divided.astype(x.dtype) if xp is np else divided.to(x.dtype)


_MEANINGS: dict[str, Any] = {
    "L1": lambda xp, x: xp.sum(xp.abs(x), axis=1, keepdims=True),
    "L2": lambda xp, x: xp.sqrt(xp.sum(x * x, axis=1, keepdims=True)),
    "MAX": lambda xp, x: xp.amax(x, axis=1, keepdims=True),
}
