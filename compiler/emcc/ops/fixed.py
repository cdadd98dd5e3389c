"""The integer meaning of a layer after its sums (docs/architecture.md), and how large these can get."""

import numpy as np

from emcc.ir.graph import Array, Format
from emcc.ir.program import Table

_BLOCK = 1 << 22


def activate(accumulators: Array, shift: int, width: int, function: str, table: Table | None) -> Array:
    """Activations, int64, of accumulators (bias included) of any shape: requantise, then apply the function."""
    z = requantise(accumulators, shift, width)
    if function == "relu":
        return np.asarray(np.maximum(z, 0))
    return z if table is None else look_up(table, z, width)


def requantise(accumulators: Array, shift: int, width: int) -> Array:
    """int64: add half of the last place, shift right arithmetically, saturate to `width` bits."""
    half = 1 << (width - 1)
    return np.asarray(np.clip((accumulators + ((1 << shift) >> 1)) >> shift, -half, half - 1))


def look_up(table: Table, z: Array, width: int) -> Array:
    """int64: the table's values at z, integers of `width` bits (see ir.program.Table)."""
    u, half = z + (1 << (width - 1)), 1 << (width - 1)
    j = (u >> (width - table.hi_bits)) << table.lo_bits | (u & ((1 << table.lo_bits) - 1))
    return np.asarray(np.clip(table.coarse[u >> table.lo_bits] + table.fine[j], -half, half - 1))


def output_bounds(fmt: Format, function: str, table: Table | None) -> tuple[int, int]:
    """The smallest and largest activation of format `fmt` that a function can give."""
    if function == "relu":
        return 0, fmt.high
    if table is None:
        return fmt.low, fmt.high
    coarse, fine = table.coarse, table.fine
    return max(fmt.low, int(coarse.min() + fine.min())), min(fmt.high, int(coarse.max() + fine.max()))


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
