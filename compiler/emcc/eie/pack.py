"""Interleaved compressed sparse columns: a matrix of codes to each PE's entries and pointers (EIE, section III)."""

from dataclasses import dataclass

import numpy as np

from emcc.ir.graph import Array
from emcc.ir.program import words


@dataclass(frozen=True)
class Slices:
    """See ir.program.Layer for the meaning of the arrays. `pes` slices over `columns` columns: one a PE of a group."""

    start: Array
    count: Array
    first: Array
    code: Array
    run: Array
    padding: int


@dataclass(frozen=True)
class Positions:
    """Where the non-zero weights are, sorted by PE, column, local row; `run` is the gap before each, unlimited."""

    slice_of: Array
    run: Array
    code: Array
    pes: int
    columns: int


def positions(codes: Array, live: Array, pes: int) -> Positions:
    """Find the weights of each PE.

    Args:
        codes: uint8 or uint16 [rows, columns], rows in slot order.
        live: bool, the same shape: False where there is no weight.
    """
    rows, columns = codes.shape
    height = words(rows, pes)
    dealt = np.zeros((height * pes, columns), bool)
    dealt[:rows] = live
    by_pe = np.ascontiguousarray(dealt.reshape(height, pes, columns).transpose(1, 2, 0))
    flat = np.flatnonzero(by_pe.reshape(-1))
    slice_of, local = flat // height, flat % height
    pe, column = slice_of // columns, slice_of % columns
    before = np.empty_like(local)
    before[:1] = -1
    before[1:] = np.where(slice_of[1:] == slice_of[:-1], local[:-1], -1)
    return Positions(slice_of, local - before - 1, codes[local * pes + pe, column], pes, columns)


def padding_zeros(weights: Positions, run_w: int) -> int:
    """Count the padding zeros that a run of `run_w` bits needs."""
    return int((weights.run >> run_w).sum())


def pack(weights: Positions, run_w: int, zero: int = 0) -> Slices:
    """Make entries, with padding zeros of code `zero` wherever a gap is longer than a run can say."""
    pads = weights.run >> run_w
    total = int(pads.sum())
    at = np.arange(weights.run.size) + np.cumsum(pads)
    code = np.full(weights.run.size + total, zero, weights.code.dtype)
    run = np.full(code.size, (1 << run_w) - 1, np.uint16)
    code[at] = weights.code
    run[at] = weights.run & ((1 << run_w) - 1)
    count = np.bincount(weights.slice_of, 1 + pads, minlength=weights.pes * weights.columns)
    count = count.astype(np.int64).reshape(weights.pes, weights.columns)
    first = np.concatenate([[0], np.cumsum(count.sum(axis=1))])
    start = np.cumsum(count, axis=1) - count
    return Slices(start, count, first, code, run, total)


def unpack_rows(count: Array, first: Array, run: Array, pes: int) -> tuple[Array, Array]:
    """Return row (slot) and column of every entry, padding zeros included: the inverse of `pack`.

    Returns:
        rows, columns: int64 [entries].
    """
    columns = count.shape[1]
    lengths = count.reshape(-1)
    slice_of = np.repeat(np.arange(lengths.size), lengths)
    steps = np.cumsum(run.astype(np.int64) + 1)
    starts = np.cumsum(lengths) - lengths
    before = np.concatenate([[0], steps])[starts]
    local = steps - 1 - np.repeat(before, lengths)
    assert int(first[-1]) == run.size
    return local * pes + slice_of // columns, slice_of % columns
