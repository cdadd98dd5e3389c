"""Elements picked by their places, as a layer of zeros and ones: exact, and a step that the array has."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.ir.graph import Array, Node
from emcc.ops.picks import HOLE, places

TAPS = 32
"""Most taps of a window that picks positions: beyond, the host does it sooner."""

LARGEST = 1 << 24
"""Most elements of a matrix of zeros and ones."""


@dataclass(frozen=True)
class Picked:
    """A layer that picks.

    Attributes:
        op: QConv, or QLinear of a vector. codes: uint8, 1 where an element is taken. attrs: of the window and group.
    """

    op: str
    codes: Array
    attrs: dict[str, Any]


def as_layer(node: Node, shape: tuple[int, ...]) -> Picked | None:
    """The layer for a node that reads samples of `shape`; None where there is none, or it is too much work."""
    if node.op == "SpaceToDepth":
        return _blocks(node, shape)
    if node.op not in ("Gather", "Pad", "Slice") or node.attrs.get("mode", "constant") != "constant":
        return None
    at = places(node, shape)
    if len(shape) == 1:
        (rows,) = at
        return None if rows is None else _matrix(rows, shape[0])
    if len(shape) != 3:
        return None
    axes = [_axis(where, size) for where, size in zip(at[1:], shape[1:], strict=True)]
    if any(axis is None for axis in axes):
        return None
    (kernel, taken, strides, pads) = zip(*(axis for axis in axes if axis is not None), strict=True)
    if kernel[0] * kernel[1] > TAPS:
        return None
    channels, rows = shape[0], at[0]
    codes = np.zeros(((channels if rows is None else rows.size), 1 if rows is None else channels, *kernel), np.uint8)
    if codes.size > LARGEST:
        return None
    if rows is None:
        codes[:, 0, taken[0], taken[1]] = 1
    else:
        held = np.flatnonzero(rows != HOLE)
        codes[held, rows[held], taken[0], taken[1]] = 1
    around = (pads[0][0], pads[1][0], pads[0][1], pads[1][1])
    attrs = {"strides": strides, "pads": around, "dilations": (1, 1), "group": channels if rows is None else 1}
    return Picked("QConv", codes, attrs)


Axis = tuple[int, int, int, tuple[int, int]]
"""Kernel, the tap that is taken, stride, pads."""


def _axis(at: Array | None, size: int) -> Axis | None:
    """A window along one axis that sees the places one by one; None where they are not evenly apart."""
    if at is None:
        return 1, 0, 1, (0, 0)
    inside = np.flatnonzero(at != HOLE)
    if not inside.size:
        return None
    before, after = int(inside[0]), int(at.size - 1 - inside[-1])
    held = at[inside[0] : inside[-1] + 1]
    steps = np.unique(np.diff(held)) if held.size > 1 else np.ones(1, np.int64)
    if steps.size != 1 or steps[0] < 1:
        return None
    step, begin = int(steps[0]), int(held[0])
    if before or after:
        return (1, 0, 1, (before, after)) if step == 1 and held.size == size else None
    kernel = max(begin + 1, size - step * at.size + 1)
    return kernel, begin, step, (0, 0)


def _matrix(rows: Array, columns: int) -> Picked | None:
    if rows.size * columns > LARGEST:
        return None
    codes = np.zeros((rows.size, columns), np.uint8)
    held = np.flatnonzero(rows != HOLE)
    codes[held, rows[held]] = 1
    return Picked("QLinear", codes, {})


def _blocks(node: Node, shape: tuple[int, ...]) -> Picked | None:
    block, channels = int(node.attrs["blocksize"]), shape[0]
    if block**2 > TAPS or (channels * block**2) ** 2 > LARGEST:
        return None
    codes = np.zeros((channels * block**2, channels, block, block), np.uint8)
    for c in range(channels):
        for place in range(block**2):
            row = place * channels + c if node.attrs["mode"] == "DCR" else c * block**2 + place
            codes[row, c, place // block, place % block] = 1
    attrs = {"strides": (block, block), "pads": (0, 0, 0, 0), "dilations": (1, 1), "group": 1}
    return Picked("QConv", codes, attrs)
