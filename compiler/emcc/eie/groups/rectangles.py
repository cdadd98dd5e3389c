"""Which taps of a window count where: rectangles of output positions, and the taps that any position sees."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, product

import numpy as np

from emcc.base.errors import EmccError
from emcc.ir.graph import Array
from emcc.ir.program import Program, Step

MAX_TAPS = 1 << 16
"""Taps of a window that are not yet a mistake."""


@dataclass(frozen=True)
class Rectangle:
    """Output positions: rows y .. y + height - 1, columns x .. x + width - 1."""

    y: int
    x: int
    height: int
    width: int


def whole(program: Program, step: Step) -> Rectangle:
    """Return all output positions of a step."""
    target = program.buffers[step.target]
    return Rectangle(0, 0, target.height, target.width)


def by_count(program: Program, step: Step) -> Iterator[tuple[Rectangle, int]]:
    """Yield rectangles of one number of taps that count, margins included, with that number."""
    counts = [[sum(column) for column in _inside(program, step, axis, step.margins).T.tolist()] for axis in (0, 1)]
    yield from ((rectangle, a * b) for rectangle, a, b in _rectangles(*counts))


def covered(program: Program, step: Step) -> bool:
    """Whether every output position has a tap on the map."""
    return all(bool(_inside(program, step, axis).any(axis=0).all()) for axis in (0, 1))


def seen(program: Program, step: Step, at: Rectangle) -> tuple[int, ...]:
    """Return the taps that are on the map for any position of a rectangle; tap 0 where none is.

    EmccError where there are more than MAX_TAPS.
    """
    window = step.window
    down = np.flatnonzero(_inside(program, step, 0)[:, at.y : at.y + at.height].any(axis=1))
    right = np.flatnonzero(_inside(program, step, 1)[:, at.x : at.x + at.width].any(axis=1))
    if down.size * right.size > MAX_TAPS:
        raise EmccError(
            f"a window of {down.size * right.size:,} taps, more than the {MAX_TAPS:,} that there can be", node=step.name
        )
    return tuple((down[:, None] * window.kernel[1] + right).ravel().tolist()) or (0,)


def _inside(program: Program, step: Step, axis: int, margins: tuple[int, ...] = (0, 0, 0, 0)) -> Array:
    """Return whether a tap counts, along one axis: bool [kernel, output positions]."""
    window, source, target = step.window, program.buffers[step.sources[0]], program.buffers[step.target]
    size, outputs = ((source.height, target.height), (source.width, target.width))[axis]
    taps = np.arange(window.kernel[axis])[:, None] * window.dilation[axis] - window.before[axis]
    at = np.arange(outputs) * window.stride[axis] + taps
    return np.asarray((at >= -margins[axis]) & (at < size + margins[axis + 2]))


def _runs(values: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return (first, length, value) of each run of equal values."""
    result, first = [], 0
    for value, run in groupby(values):
        length = len(list(run))
        result.append((first, length, value))
        first += length
    return result


def _rectangles(down: Sequence[int], right: Sequence[int]) -> Iterator[tuple[Rectangle, int, int]]:
    for (y, height, a), (x, width, b) in product(_runs(down), _runs(right)):
        yield Rectangle(y, x, height, width), a, b
