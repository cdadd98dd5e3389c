"""The one integer meaning of a step after its sums (docs/architecture.md), and how large these can get."""

from collections.abc import Callable

import numpy as np

from emcc.ir.graph import Array, Format
from emcc.ir.program import Table

_BLOCK = 1 << 22
MULTIPLIER_W = 16
"""Bits of a row's multiplier, two's complement."""

Watch = Callable[[Array], object]
"""Takes what `saturating` says, bool of the accumulators' shape."""


def activate(
    accumulators: Array,
    shift: int,
    width: int,
    function: str,
    table: Table | None,
    multiplier: Array | int = 1,
    watch: Watch | None = None,
) -> Array:
    """Activations, int64, of accumulators (bias included) of any shape: rescale, saturate, then apply the function."""
    z = rescaled(accumulators, shift, multiplier)
    if watch is not None:
        watch(saturating(z, width, function, table))
    z = _saturated(z, width)
    if function == "relu":
        return np.asarray(np.maximum(z, 0))
    return z if table is None else look_up(table, z, width)


def rescaled(accumulators: Array, shift: int, multiplier: Array | int = 1) -> Array:
    """int64: times the row's multiplier, add half of the last place, shift right arithmetically; not yet saturated.

    `multiplier` broadcasts against the accumulators; products must be below 2**62.
    """
    products = np.asarray(accumulators * multiplier, np.int64)
    return np.asarray((products + ((1 << shift) >> 1)) >> shift)


def saturating(z: Array, width: int, function: str, table: Table | None) -> Array:
    """Which of `rescaled` values z saturate: bool, of their shape.

    Those outside of `width` bits, at an end where it shows: below, a ReLU gives 0 anyway; and at an end of a table that
    is flat there (over the last eighth of all z it moves by one unit in the last place at most: a sigmoid or tanh whose
    format reaches so far), the function gives the same beyond.
    """
    half = 1 << (width - 1)
    low, high = function != "relu", True
    if table is not None and function == "table":
        ends = np.array([-half, half // 4 - half, half - half // 4 - 1, half - 1])
        low, high = np.abs(np.diff(look_up(table, ends, width)))[[0, 2]] > 1
    beyond = np.zeros(z.shape, bool)
    if low:
        beyond |= z < -half
    if high:
        beyond |= z > half - 1
    return beyond


def _saturated(z: Array, width: int) -> Array:
    half = 1 << (width - 1)
    return np.asarray(np.clip(z, -half, half - 1))


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


def row_sums(codes: Array, entries: int) -> Callable[[Array], Array]:
    """What gives, for a codebook [entries], the sum of the absolute weights of each row: int64 [rows].

    Of codes uint8 [rows, columns]. It counts codes once, where that takes no more than the codes; all values must be
    below 2**60 / columns.
    """
    rows, columns = codes.shape
    if columns < entries:
        return lambda codebook: np.concatenate(
            [np.abs(codebook)[block].sum(axis=1) for block in _blocks(codes)] or [np.zeros(0, np.int64)]
        )
    counts = np.zeros((rows, entries), np.int64)
    for top, block in zip(range(0, rows, _height(columns)), _blocks(codes), strict=True):
        offset = np.arange(block.shape[0], dtype=np.int64)[:, None] * entries
        flat = np.bincount((block + offset).ravel(), minlength=block.shape[0] * entries)
        counts[top : top + len(block)] = flat.reshape(block.shape[0], entries)
    return lambda codebook: np.asarray(counts @ np.abs(codebook[:entries].astype(np.int64)))


def _height(columns: int) -> int:
    return max(1, _BLOCK // max(1, columns))


def _blocks(codes: Array) -> list[Array]:
    """Views of a few rows each."""
    height = _height(codes.shape[1])
    return [codes[top : top + height] for top in range(0, len(codes), height)]


def accumulator_bound(weights: Array, bias: Array, in_low: int, in_high: int, shift: int) -> int:
    """No |accumulator| of a step is greater: no partial sum, in any order, with or without the rounding half.

    That is sum |w| max |x| + |bias| + half, for the row where it is the most.

    Args:
        weights: int64 [rows], the sum of |w| of each row; bias: int64 [rows], at accumulator scale.
        in_low, in_high: the range of the input's integers.
        shift: the requantising shift.
    """
    sums = weights * max(abs(in_low), abs(in_high)) + np.abs(bias)
    return int(sums.max(initial=0)) + (1 << shift >> 1)
