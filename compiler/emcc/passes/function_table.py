"""A function of one activation as a bipartite table, the smallest that is accurate enough."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from emcc.ir.graph import Array, Format
from emcc.ir.program import Table
from emcc.ops.fixed import look_up


def tabulated(table: Table, width: int) -> Array:
    """The table's value for every z of `width` bits, ascending: int64 [2**width]."""
    return look_up(table, np.arange(-(1 << (width - 1)), 1 << (width - 1)), width)


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


@dataclass(frozen=True)
class Wanted:
    """A function to be tabulated: float64 [2**z.width] in output ulps, ascending z; beyond the output's range it
    saturates. `tolerance` in output ulps."""

    target: Array
    z: Format
    y: Format
    tolerance: float


def build(wanted: Sequence[Wanted]) -> list[tuple[Table, float]]:
    """A table for every function and its greatest error, found by trying every z.

    All tables have one shape, since the array has one: the smallest with which each is within its tolerance. A z
    where the function is exactly 0 gives exactly 0. Plain tables, off by half an ulp, are the last resort; for 8-bit
    activations they are the only ones tried. All formats have the same width.
    """
    if not wanted:
        return []
    width = wanted[0].z.width
    for lo_bits, hi_bits in shapes(width) if width > 8 else [(0, 0)]:
        tables = []
        for function in wanted:
            table = _best(function, lo_bits, hi_bits)
            if table is None:
                break
            tables.append(table)
        if len(tables) == len(wanted):
            return tables
    raise AssertionError("plain tables are always good enough")


def _best(wanted: Wanted, lo_bits: int, hi_bits: int) -> tuple[Table, float] | None:
    """The first table of that shape within the tolerance (any, of a plain one), and its error."""
    y, width = wanted.y, wanted.z.width
    target = np.clip(wanted.target, y.low, y.high)
    zeros = target == 0
    for table in bipartite(target, width, lo_bits, hi_bits, y.low, y.high):
        values = tabulated(table, width)
        error = float(np.abs(values - target).max())
        if (error <= wanted.tolerance and not values[zeros].any()) or lo_bits == 0:
            return table, error
    return None
