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
    largest = max(abs(in_low), abs(in_high))
    sums = counts @ np.abs(codebook[: counts.shape[1]].astype(np.int64)) * largest + np.abs(bias)
    return int(sums.max(initial=0)) + (1 << shift >> 1)


def accumulator_bound(codes: Array, codebook: Array, bias: Array, in_low: int, in_high: int, shift: int) -> int:
    """No |accumulator| of a layer is greater: no partial sum, in any order, with or without the rounding half.

    That is sum |w| max |x| + |bias| + half, for the row where it is the most.

    Args:
        codes: uint8 [out, in]; codebook: int64 [K], more than max(codes); bias: int64 [out], at accumulator scale.
        in_low, in_high: the range of the input's integers.
        shift: the requantising shift.
    """
    return bound_of_counts(code_counts(codes, codebook.size), codebook, bias, in_low, in_high, shift)
