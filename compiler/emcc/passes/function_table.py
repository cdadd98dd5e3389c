"""A function of one activation as a bipartite table, the smallest that is accurate enough."""

from collections.abc import Iterator

import numpy as np

from emcc.ir.graph import Array, Format
from emcc.ir.program import Table


def look_up(table: Table, width: int, low: int, high: int) -> Array:
    """The table's value for every z of `width` bits, ascending from -2**(width-1): int64 [2**width]."""
    u = np.arange(1 << width)
    i = u >> table.lo_bits
    j = (u >> (width - table.hi_bits)) << table.lo_bits | (u & ((1 << table.lo_bits) - 1))
    return np.asarray(np.clip(table.coarse[i] + table.fine[j], low, high))


def shapes(width: int) -> Iterator[tuple[int, int]]:
    """(lo_bits, hi_bits) from the fewest entries to the plain table, which is the last."""

    def entries(shape: tuple[int, int]) -> tuple[int, int, int]:
        lo, hi = shape
        return ((1 << (width - lo)) + (1 << (hi + lo)), lo, hi)

    yield from sorted(((lo, hi) for lo in range(1, width) for hi in range(1, width - lo)), key=entries)
    yield 0, 0


def bipartite(target: Array, width: int, lo_bits: int, hi_bits: int, low: int, high: int) -> Iterator[Table]:
    """Tables of that shape for `target`: float64 [2**width], the wanted y in output ulps, ascending z.

    coarse is at first the function where its segment begins, so that it is exact there to half an ulp; fine is the
    middle of what the segments that share it lack. Then coarse becomes the middle of what fine leaves it, and fine
    again, which is more accurate but not exact anywhere.
    """
    segments = target.reshape(-1, 1 << lo_bits)
    coarse = np.floor(segments[:, 0] + 0.5)
    if lo_bits == 0:
        yield Table(0, 0, _within(coarse, low, high), np.zeros(1, np.int64))
        return
    for _ in range(3):
        lacking = (segments - coarse[:, None]).reshape(1 << hi_bits, -1, 1 << lo_bits)
        fine = np.floor((lacking.max(axis=1) + lacking.min(axis=1)) / 2 + 0.5)
        yield Table(lo_bits, hi_bits, _within(coarse, low, high), _within(fine.ravel(), low, high))
        rest = segments - np.repeat(fine, segments.shape[0] >> hi_bits, axis=0)
        coarse = np.floor((rest.max(axis=1) + rest.min(axis=1)) / 2 + 0.5)


def _within(values: Array, low: int, high: int) -> Array:
    return np.clip(values, low, high).astype(np.int64)


def build(target: Array, z: Format, y: Format, tolerance: float) -> tuple[Table, float]:
    """The smallest table within `tolerance` output ulps at every z, and its greatest error, found by trying every z.

    `target` is the function in output ulps (float64 [2**width], ascending z); beyond the output's range it
    saturates. A z where it is exactly 0 gives exactly 0. A plain table, off by half an ulp, is the last resort;
    for 8-bit activations it is the only one tried.
    """
    wanted = np.clip(target, y.low, y.high)
    zeros = wanted == 0
    for lo_bits, hi_bits in shapes(z.width) if z.width > 8 else [(0, 0)]:
        for table in bipartite(wanted, z.width, lo_bits, hi_bits, y.low, y.high):
            got = look_up(table, z.width, y.low, y.high)
            error = float(np.abs(got - wanted).max())
            if (error <= tolerance and not got[zeros].any()) or lo_bits == 0:
                return table, error
    raise AssertionError("the plain table is always tried")
