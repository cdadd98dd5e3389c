"""MaxPool: the largest element of every window; padding never is.

Attributes: kernel_shape, strides, dilations (height, width), pads (top, left, bottom, right), ceil_mode.
"""

from functools import reduce
from typing import Any

import numpy as np

from emcc.ir.graph import Node
from emcc.ops.operator import Shape
from emcc.ops.windows import axes, pad, pooled, taps


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, C, windows down, windows across)."""
    return pooled(node, shapes[0])


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, C, ...]."""
    (x,) = values
    height, width = axes(node, tuple(x.shape), tuple(node.attrs["kernel_shape"]))
    pads = (height.before, width.before, height.after + height.beyond, width.after + width.beyond)
    padded = pad(xp, x, pads, -float("inf"))
    if xp is np:
        return reduce(np.maximum, taps(padded, height, width))
    kernel, stride, dilation = (
        tuple(getattr(axis, name) for axis in (height, width)) for name in ("kernel", "stride", "dilation")
    )
    return xp.nn.functional.max_pool2d(padded, kernel, stride, 0, dilation)[:, :, : height.count, : width.count]
