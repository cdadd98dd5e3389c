"""Codebooks of weights that are integers times a scale, as quantised models have them: nothing is clustered."""

import numpy as np

from emcc.ir.codebook import CODE_WIDTHS, canonical
from emcc.ir.graph import Array, Codebook

CLOSE = 1e-6
"""Of a weight: how far it may be from an integer times its unit; float32 rounds to 6e-8, more than once."""

_WIDEST = 1 << 15


def of_units(weights: Array, unit: Array) -> Codebook | None:
    """The codebook of `weights`, float32 [rows, ...], that are integers of 16 bits times `unit`, float64 [rows] or [1].

    None where they are not. Few small integers get a codebook of their own; others of 8 bits, or else of 16, are the
    codes themselves. A row of zeros has the scale 1.
    """
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    scale = np.where(flat.any(axis=1), np.broadcast_to(unit, len(flat)), 1.0)
    if not (np.isfinite(scale).all() and scale.all()):
        return None
    codes = np.rint(flat / scale[:, None])
    if np.abs(codes).max() >= _WIDEST or (np.abs(codes * scale[:, None] - flat) > CLOSE * np.abs(flat)).any():
        return None
    integers = codes.astype(np.int16).reshape(weights.shape)
    entries = np.unique(integers)
    reach = int(np.abs(entries).max())
    width = next((w for w in CODE_WIDTHS[:-1] if entries.size <= 1 << w and reach <= 1 << w), 0)
    small = integers.min() >= -128 and integers.max() <= 127
    if not width and small:
        return Codebook(np.zeros(0), integers.astype(np.int8), 8, scale)
    if not width and entries.size > 256:
        return Codebook(np.zeros(0), integers, 16, scale)
    at = np.searchsorted(entries, integers).astype(np.uint8)
    book = canonical(entries.astype(np.float64), at, width or 8)
    return Codebook(book.values, book.codes, book.code_w, scale)
