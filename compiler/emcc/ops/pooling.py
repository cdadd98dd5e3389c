"""Pooling: MaxPool, AveragePool, and GlobalAveragePool over all spatial axes, which stay, of size 1.

Attributes of the first two: kernel_shape, strides, dilations (height, width), pads (top, left, bottom, right),
ceil_mode. Padding is never a MaxPool's largest element. It counts as zeros to an AveragePool with count_include_pad,
and else does not count; what a window of ceil_mode sees beyond the padding never does.
"""

from functools import reduce
from typing import Any

import numpy as np

from emcc.ir.graph import Array, Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched
from emcc.ops.windows import Axis, axes, pad, taps


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, C, windows down, windows across), or (None, C, 1 ...)."""
    x = batched(shapes[0])
    if node.op == "GlobalAveragePool":
        if len(x) < 3:
            raise ValueError(f"{x} has no spatial axes")
        return (*x[:2], *(1,) * (len(x) - 2))
    height, width = axes(node, x, tuple(node.attrs["kernel_shape"]))
    if not (height.all_touch and width.all_touch):
        raise ValueError(f"pads {node.attrs['pads']} make windows that hold nothing but padding")
    return (*x[:2], height.count, width.count)


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, C, ...]."""
    (x,) = values
    if node.op == "GlobalAveragePool":
        return xp.mean(x, axis=tuple(range(2, len(x.shape))), keepdims=True)
    height, width = axes(node, tuple(x.shape), tuple(node.attrs["kernel_shape"]))
    pads = (height.before, width.before, height.after + height.beyond, width.after + width.beyond)
    if node.op == "MaxPool":
        lowest = np.iinfo(x.dtype).min if xp is np and x.dtype.kind == "i" else -float("inf")
        return _largest(xp, pad(xp, x, pads, lowest), height, width)
    total = sum(taps(pad(xp, x, pads, 0.0), height, width))
    number = counts(node, height, width)
    if xp is np:
        return total / number.astype(x.dtype)
    return total / xp.as_tensor(number, dtype=x.dtype, device=x.device)


def counts(node: Node, height: Axis, width: Axis) -> Array:
    """How many taps of each window count: int64 [windows down, windows across]."""
    include = bool(node.attrs["count_include_pad"])
    return np.outer(_counted(height, include), _counted(width, include))


def _largest(xp: Any, padded: Any, height: Axis, width: Axis) -> Any:
    """Of every window."""
    if xp is np:
        return reduce(np.maximum, taps(padded, height, width))
    kernel, strides = (height.kernel, width.kernel), (height.stride, width.stride)
    pooled = xp.nn.functional.max_pool2d(padded, kernel, strides, 0, (height.dilation, width.dilation))
    return pooled[:, :, : height.count, : width.count]


def _counted(axis: Axis, include: bool) -> Array:
    """How many taps of each window count."""
    low, high = (-axis.before, axis.size + axis.after) if include else (0, axis.size)
    begin = np.arange(axis.count, dtype=np.int64) * axis.stride - axis.before
    first = np.maximum(0, -((begin - low) // axis.dilation))
    last = np.minimum(axis.kernel, -((begin - high) // axis.dilation))
    return np.asarray(last - first)
