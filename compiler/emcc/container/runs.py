"""A matrix of codes as Huffman-coded {zero run, code}: Deep Compression's relative index (Han et al. 2016, section 2).

The matrix is scanned row by row or column by column, not restarting at a line's end. An entry skips `run` zeros and
places its code. Where more zeros follow than a run of `run_w` bits can say, a padding zero is placed: an entry of the
longest run and code 0. What follows the last entry is zero. With run_w 0 every element is an entry.

Stored: byte run_w | by columns << 4, uint entries, the table of the codes, the table of the runs (huffman.write_table),
then each entry's run and code, filled up to a byte.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from emcc.container import huffman
from emcc.container.bits import FormatError, read_uint, uint
from emcc.ir.graph import Array

MAX_RUN_W = 10
BY_COLUMNS = 16


@dataclass(frozen=True)
class Plan:
    """How a matrix is scanned. runs, codes: int64, how often each occurs among the entries, padding zeros counted."""

    by_columns: bool
    run_w: int
    runs: Array
    codes: Array

    @cached_property
    def lengths(self) -> tuple[Array, Array]:
        """Of the codewords of the codes, and of the runs."""
        return huffman.code_lengths(self.codes), huffman.code_lengths(self.runs)

    @cached_property
    def front(self) -> bytes:
        """What stands before the entries."""
        kind = bytes([self.run_w | BY_COLUMNS * self.by_columns]) + uint(int(self.codes.sum()))
        counts = self.codes, self.runs
        return kind + b"".join(huffman.table(*pair) for pair in zip(self.lengths, counts, strict=True))

    @cached_property
    def packed(self) -> int:
        """Bytes that the entries take."""
        return -(-int((self.lengths[0] * self.codes).sum() + (self.lengths[1] * self.runs).sum()) // 8)

    @property
    def size(self) -> int:
        """Bytes that `write` takes."""
        return len(self.front) + self.packed


def plan(codes: Array, code_w: int) -> Plan:
    """The scan order and run width that take the fewest bytes (then: rows first, the narrower run)."""
    plans = _plans(codes, code_w, by_columns=False)
    if min(codes.shape) > 1:
        plans += _plans(codes, code_w, by_columns=True)
    return min(plans, key=lambda plan: (plan.size, plan.by_columns, plan.run_w))


def write(codes: Array, chosen: Plan) -> bytes:
    """The bytes of uint8 `codes` [rows, columns]."""
    from emcc.container.kernels import pack_entries

    code_words, run_words = (huffman.codewords(sizes) << 4 | sizes for sizes in chosen.lengths)
    packed = np.zeros(chosen.packed, np.uint8)
    pack_entries(_scanned(codes, chosen.by_columns), chosen.run_w, run_words, code_words, packed)
    return chosen.front + packed.tobytes()


def read(data: bytes, rows: int, columns: int, code_w: int) -> tuple[Array, Plan]:
    """(the codes, uint8 [rows, columns], how they were scanned)."""
    from emcc.container.kernels import unpack_entries

    if not data or data[0] & 15 > MAX_RUN_W or data[0] > 31:
        raise FormatError("it has runs of no known kind")
    by_columns, run_w = bool(data[0] & BY_COLUMNS), data[0] & 15
    count, at = read_uint(data, 1)
    if count > rows * columns:
        raise FormatError(f"{count} entries in a {rows} x {columns} matrix")
    codes, at = huffman.read_lookup(data, at, 1 << code_w)
    runs, at = huffman.read_lookup(data, at, 1 << run_w)
    if count and (codes is None or runs is None):
        raise FormatError(f"no symbols where {count} are needed")
    counts = np.zeros(1 << run_w, np.int64), np.zeros(1 << code_w, np.int64)
    flat, used = np.zeros(rows * columns, np.uint8), 0
    if codes is not None and runs is not None:
        order = np.array([columns, rows] if by_columns else [1, rows * columns])
        padded = np.frombuffer(data[at:] + b"\0\0\0", np.uint8)
        used = int(unpack_entries(padded, count, *runs, *codes, flat, order, *counts))
    if used < 0:
        raise FormatError(f"entries reach beyond the {rows} x {columns} matrix")
    end = at + -(-used // 8)
    if end != len(data):
        raise FormatError("ends within the entries" if end > len(data) else f"{len(data) - end} bytes too many")
    if used % 8 and data[-1] & ((1 << (-used % 8)) - 1):
        raise FormatError("bits set past the end of the entries")
    return flat.reshape(rows, columns), Plan(by_columns, run_w, *counts)


def _scanned(codes: Array, by_columns: bool) -> Array:
    """The codes in the order of the scan; read-only, so that what is compiled has one type."""
    flat = np.ascontiguousarray(codes.T if by_columns else codes).reshape(-1)
    flat.flags.writeable = False
    return flat


def _plans(codes: Array, code_w: int, by_columns: bool) -> list[Plan]:
    """Of a scan order, up to the width that every run fits into: wider ones take the same bytes."""
    from emcc.container.kernels import count_entries

    counts, widths = np.zeros(256, np.int64), MAX_RUN_W + 1
    runs, padding = np.zeros((widths, 1 << MAX_RUN_W), np.int64), np.zeros(widths, np.int64)
    count_entries(_scanned(codes, by_columns), counts, runs, padding)
    plans = []
    for run_w in range(widths):
        own_runs, own_counts = runs[run_w, : 1 << run_w], counts[: 1 << code_w].copy()
        own_runs[-1] += padding[run_w]
        own_counts[0] += padding[run_w]
        plans.append(Plan(by_columns, run_w, own_runs, own_counts))
        if not padding[run_w]:
            break
    return plans
