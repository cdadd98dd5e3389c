"""Compiled inner loops of the Huffman coder."""

from typing import Any

import numpy as np

from emcc.base.jit import compiled
from emcc.ir.graph import Array


@compiled
def count_entries(flat: Array, counts: Array, runs: Array, padding: Array) -> None:
    """Counts, for every run width at once, what a scan of uint8 `flat` would code.

    counts: int64 [256], the non-zero codes. runs: int64 [widths, 2**(widths - 1)], the runs before them; padding: int64
    [widths], the padding zeros; both by run width.
    """
    before = -1
    for at in range(len(flat)):
        code = flat[at]
        if code:
            gap = at - before - 1
            before = at
            counts[code] += 1
            for run_w in range(len(padding)):
                padding[run_w] += gap >> run_w
                runs[run_w, gap & ((1 << run_w) - 1)] += 1


@compiled
def pack_entries(flat: Array, run_w: int, runs: Array, codes: Array, out: Array) -> None:
    """Fill uint8 `out` with {run, code} after {run, code}. runs, codes: int64 by symbol, codeword << 4 | length."""
    longest = (1 << run_w) - 1
    before = -1
    word = held = size = 0
    for at in range(len(flat)):
        code = flat[at]
        if code:
            gap = at - before - 1
            before = at
            while True:
                run, symbol = (longest, 0) if gap > longest else (gap, code)
                entry = runs[run]
                word = word << (entry & 15) | entry >> 4
                held += entry & 15
                entry = codes[symbol]
                word = word << (entry & 15) | entry >> 4
                held += entry & 15
                while held > 7:
                    held -= 8
                    out[size] = (word >> held) & 255
                    size += 1
                word &= 255
                if gap <= longest:
                    break
                gap -= longest + 1
    if held:
        out[size] = (word << (8 - held)) & 255


@compiled
def unpack_entries(
    padded: Array, count: int, runs: Array, run_peek: int, codes: Array, code_peek: int, flat: Array, order: Array,
    run_counts: Array, code_counts: Array,
) -> int:  # fmt: skip
    """Places `count` entries, from bytes with three zero bytes at the end, in zeros `flat`.

    Args:
        runs, codes: uint32 [2**peek], symbol << 4 | length for the next `peek` bits.
        order: int64 [2], (lines, length of a line) of the scan; if there are more lines than one, `flat` lies across.
        run_counts, code_counts: int64, are added to.

    Returns:
        the bits used, at most a few more than there are; -1 if an entry lies beyond `flat`.
    """
    last = (len(padded) - 3) * 8
    run_mask, code_mask = (1 << run_peek) - 1, (1 << code_peek) - 1
    lines, length = order[0], order[1]
    line = 0
    place: Any = -1
    at: Any = 0
    for _ in range(count):
        byte = at >> 3
        word = np.int64(padded[byte]) << 16 | np.int64(padded[byte + 1]) << 8 | np.int64(padded[byte + 2])
        entry = np.int64(runs[(word >> (24 - run_peek - (at & 7))) & run_mask])
        at = min(at + (entry & 15), last + 1)
        run = entry >> 4
        byte = at >> 3
        word = np.int64(padded[byte]) << 16 | np.int64(padded[byte + 1]) << 8 | np.int64(padded[byte + 2])
        entry = np.int64(codes[(word >> (24 - code_peek - (at & 7))) & code_mask])
        at = min(at + (entry & 15), last + 1)
        code = entry >> 4
        run_counts[run] += 1
        code_counts[code] += 1
        place += run + 1
        while place >= length:
            place -= length
            line += 1
        if line >= lines:
            return -1
        flat[place * lines + line if lines > 1 else place] = code
    return int(at)
