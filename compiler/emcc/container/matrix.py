"""A matrix of codes as entries of {zero run, code}: Deep Compression's relative index (Han et al. 2016, section 2).

The matrix is scanned row by row or column by column, not restarting at a line's end. An entry skips `run` zeros and
places its code. Where more zeros follow than a run of `run_w` bits can say, a padding zero is placed: an entry of the
longest run and code 0. What follows the last entry is zero. With run_w 0 every element is an entry.
"""

from dataclasses import dataclass

import numpy as np

from emcc.container import huffman
from emcc.container.bits import FormatError
from emcc.ir.graph import Array

MAX_RUN_W = 10


@dataclass(frozen=True)
class Entries:
    """One matrix. run, code: one value an entry, the padding zeros among them."""

    by_columns: bool
    run_w: int
    run: Array
    code: Array


def entries(codes: Array, code_w: int) -> Entries:
    """The scan order and run width that take the fewest coded bits (then: rows first, the narrower run)."""
    best = None
    for by_columns in (False, True):
        gaps, values = _scan(codes, by_columns)
        counts = np.bincount(values, minlength=1 << code_w)
        for run_w in range(MAX_RUN_W + 1):
            bits = _coded_bits(gaps, counts, run_w)
            if best is None or bits < best[0]:
                best = (bits, by_columns, run_w)
    assert best is not None
    _, by_columns, run_w = best
    gaps, values = _scan(codes, by_columns)
    padding, rest = gaps >> run_w, gaps & ((1 << run_w) - 1)
    ends = np.cumsum(padding + 1)
    total = int(ends[-1]) if len(ends) else 0
    run, code = np.full(total, (1 << run_w) - 1, np.uint16), np.zeros(total, np.uint8)
    run[ends - 1], code[ends - 1] = rest, values
    return Entries(by_columns, run_w, run, code)


def matrix(of: Entries, rows: int, columns: int) -> Array:
    """The codes, uint8 [rows, columns]."""
    places = np.cumsum(of.run.astype(np.int64) + 1) - 1
    if len(places) and places[-1] >= rows * columns:
        raise FormatError(f"entries reach beyond the {rows} x {columns} matrix")
    flat = np.zeros(rows * columns, np.uint8)
    flat[places] = of.code
    return np.ascontiguousarray(flat.reshape(columns, rows).T) if of.by_columns else flat.reshape(rows, columns)


def _scan(codes: Array, by_columns: bool) -> tuple[Array, Array]:
    """(zeros before each non-zero code, the codes)."""
    flat = (codes.T if by_columns else codes).ravel()
    places = np.flatnonzero(flat)
    return np.diff(places, prepend=-1) - 1, flat[places]


def _coded_bits(gaps: Array, counts: Array, run_w: int) -> int:
    padding = int((gaps >> run_w).sum())
    runs = np.bincount(gaps & ((1 << run_w) - 1), minlength=1 << run_w)
    runs[-1] += padding
    codes = counts.copy()
    codes[0] += padding
    return huffman.coded_bits(runs) + huffman.coded_bits(codes)
