"""How large an accumulator can get, proven from the weights and formats."""

import numpy as np

from emcc.ir.graph import Array

_BLOCK = 1 << 22


def code_counts(codes: Array, entries: int) -> Array:
    """How often each code occurs in each row: int64 [out, entries] for uint8 codes [out, in]."""
    rows, columns = codes.shape
    counts = np.zeros((rows, entries), np.int64)
    height = max(1, _BLOCK // max(1, columns))
    for top in range(0, rows, height):
        block = codes[top : top + height]
        offset = np.arange(block.shape[0], dtype=np.int64)[:, None] * entries
        flat = np.bincount((block + offset).ravel(), minlength=block.shape[0] * entries)
        counts[top : top + height] = flat.reshape(block.shape[0], entries)
    return counts


def bound_of_counts(counts: Array, codebook: Array, bias: Array, in_low: int, in_high: int, shift: int) -> int:
    """`accumulator_bound` from `code_counts`. All values must be below 2**60."""
    weights = codebook[: counts.shape[1]].astype(np.int64)
    ends = np.stack([weights * in_low, weights * in_high, np.zeros_like(weights)])
    above = counts @ ends.max(axis=0) + np.maximum(bias, 0)
    below = counts @ ends.min(axis=0) + np.minimum(bias, 0)
    return max(int(above.max(initial=0)), -int(below.min(initial=0))) + (1 << shift >> 1)


def accumulator_bound(codes: Array, codebook: Array, bias: Array, in_low: int, in_high: int, shift: int) -> int:
    """The largest |accumulator| of a layer: of every partial sum in any order, and after adding the rounding half.

    Args:
        codes: uint8 [out, in]; codebook: int64 [K], more than max(codes); bias: int64 [out], at accumulator scale.
        in_low, in_high: the range of the input's integers (0 counts as within it: a zero is never sent).
        shift: the requantising shift.
    """
    return bound_of_counts(code_counts(codes, codebook.size), codebook, bias, in_low, in_high, shift)
