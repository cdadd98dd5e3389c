"""Conv: x [n, C, H, W] correlated with weight [M, C / group, kh, kw], plus bias [M] where there is one.

Attributes: strides and dilations (height, width), pads of zeros (top, left, bottom, right), group.
"""

from typing import Any

import numpy as np

from emcc.ir.graph import Array, Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched, present
from emcc.ops.windows import Axis, axes, pad

BLOCK = 1 << 23
"""Elements of the columns that are laid out at a time."""


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, M, windows down, windows across)."""
    x, weight, group = batched(shapes[0]), present(shapes[1]), int(node.attrs["group"])
    bias = shapes[2] if len(shapes) > 2 else None
    sizes = tuple(size for size in weight if size is not None)
    if len(x) != 4 or len(sizes) != 4 or group < 1 or x[1] != sizes[1] * group or sizes[0] % group:
        raise ValueError(f"x {x}, weight {weight}, group {group}")
    if bias is not None and bias != sizes[:1]:
        raise ValueError(f"weight {weight}, bias {bias}")
    height, width = axes(node, x, sizes[2:])
    return (None, sizes[0], height.count, width.count)


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, M, ...]."""
    x, weight, bias = (*values, None)[:3]
    height, width = axes(node, tuple(x.shape), tuple(weight.shape)[2:])
    group = int(node.attrs["group"])
    if xp is np:
        result = correlate(x, weight, height, width, group)
        return result if bias is None else result + bias.reshape(-1, 1, 1)
    top, left, bottom, right = pads = tuple(node.attrs["pads"])
    even = (top, left) == (bottom, right)
    strides, dilations = (height.stride, width.stride), (height.dilation, width.dilation)
    source, padding = (x, (top, left)) if even else (pad(xp, x, pads, 0.0), (0, 0))
    return xp.nn.functional.conv2d(source, weight, bias, strides, padding, dilations, group)


def correlate(x: Array, weight: Array, height: Axis, width: Axis, group: int) -> Array:
    """As one matrix product a group: the taps of every window in a column (im2col), a block of samples at a time."""
    out, inner, taps = weight.shape[0], weight.shape[1], height.kernel * width.kernel
    matrix = weight.reshape(group, out // group, inner * taps)
    result = np.empty((len(x), out, height.count, width.count), np.result_type(x, weight))
    rows = max(1, BLOCK // (x.shape[1] * taps * height.count * width.count))
    for begin in range(0, len(x), rows):
        part = x[begin : begin + rows]
        laid = columns(part, height, width).reshape(group, inner * taps, -1)
        products = (matrix @ laid).reshape(out, len(part), height.count, width.count)
        result[begin : begin + rows] = products.swapaxes(0, 1)
    return result


def columns(x: Array, height: Axis, width: Axis) -> Array:
    """[C, kh, kw, n, windows down, windows across]."""
    padded = pad(np, x, (height.before, width.before, height.after, width.after), 0.0)
    n, channels, down, across = padded.strides
    return np.lib.stride_tricks.as_strided(
        padded,
        (x.shape[1], height.kernel, width.kernel, len(x), height.count, width.count),
        (channels, down * height.dilation, across * width.dilation, n, down * height.stride, across * width.stride),
        writeable=False,
    )
