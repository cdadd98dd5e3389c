"""Windows over the two spatial axes of [n, channels, height, width]: where they lie, and the padding around."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.ir.graph import Node

Pads = tuple[int, int, int, int]


@dataclass(frozen=True)
class Axis:
    """One axis. Window o has its taps at o * stride - before + i * dilation, i < kernel.

    Attributes:
        size: elements; kernel: taps of a window.
        before, after: padding.
        ceil: whether a last window may reach beyond `after`, as long as it begins before it.
    """

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    ceil: bool = False

    @property
    def reach(self) -> int:
        """From a window's first tap to its last."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def count(self) -> int:
        """Windows; 0 or less where none fits."""
        room = self.size + self.before + self.after - self.reach
        if room < 0:
            return 0
        count = (-(-room // self.stride) if self.ceil else room // self.stride) + 1
        return count - 1 if self.ceil and (count - 1) * self.stride >= self.size + self.before else count

    @property
    def beyond(self) -> int:
        """How far the last window reaches beyond `after`."""
        return max(0, (self.count - 1) * self.stride + self.reach - self.size - self.before - self.after)

    @property
    def all_touch(self) -> bool:
        """Whether every window has a tap that is not padding."""
        begin = np.arange(self.count, dtype=np.int64) * self.stride - self.before
        first = np.maximum(0, -(begin // self.dilation))
        return bool(((first < self.kernel) & (begin + first * self.dilation < self.size)).all())


def axes(node: Node, x: tuple[int | None, ...], kernel: tuple[int, ...]) -> tuple[Axis, Axis]:
    """The axes of height and width, for attributes strides, dilations, pads (top, left, bottom, right), ceil_mode."""
    sizes = [size for size in x[2:] if size is not None]
    strides, dilations, pads = (tuple(node.attrs[name]) for name in ("strides", "dilations", "pads"))
    if (len(x), len(kernel), len(strides), len(dilations), len(pads)) != (4, 2, 2, 2, 4):
        raise ValueError(f"x {x}, kernel {kernel}, strides {strides}, dilations {dilations}, pads {pads}")
    if min((*kernel, *strides, *dilations)) < 1 or min(pads) < 0:
        raise ValueError(f"kernel {kernel}, strides {strides}, dilations {dilations}, pads {pads}")
    ceil = bool(node.attrs.get("ceil_mode", 0))
    height, width = (Axis(sizes[i], kernel[i], strides[i], dilations[i], pads[i], pads[i + 2], ceil) for i in range(2))
    if height.count < 1 or width.count < 1:
        raise ValueError(f"a window of {height.reach} x {width.reach} does not fit x {x} with pads {pads}")
    return height, width


def pad(xp: Any, x: Any, pads: Pads, value: float) -> Any:
    """x with `value` around: top, left, bottom, right."""
    if not any(pads):
        return x
    top, left, bottom, right = pads
    if xp is np:
        return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value)
    return xp.nn.functional.pad(x, (left, right, top, bottom), value=value)


def taps(padded: Any, height: Axis, width: Axis) -> Iterator[Any]:
    """For every tap of a window, row by row: what it sees, [n, channels, windows down, windows across]."""
    for i in range(height.kernel):
        for j in range(width.kernel):
            yield padded[:, :, _tapped(i, height), _tapped(j, width)]


def _tapped(tap: int, axis: Axis) -> slice:
    begin = tap * axis.dilation
    return slice(begin, begin + (axis.count - 1) * axis.stride + 1, axis.stride)
