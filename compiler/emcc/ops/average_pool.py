"""AveragePool: the mean of every window. Padding counts as zeros with count_include_pad, and else does not count.

Attributes: kernel_shape, strides, dilations (height, width), pads (top, left, bottom, right), ceil_mode,
count_include_pad. What a window of ceil_mode sees beyond the padding never counts.
"""

from typing import Any

import numpy as np

from emcc.ir.graph import Array, Node
from emcc.ops.operator import Shape
from emcc.ops.windows import Axis, axes, pad, pooled, taps


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, C, windows down, windows across)."""
    return pooled(node, shapes[0])


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, C, ...]."""
    (x,) = values
    height, width = axes(node, tuple(x.shape), tuple(node.attrs["kernel_shape"]))
    pads = (height.before, width.before, height.after + height.beyond, width.after + width.beyond)
    total = sum(taps(pad(xp, x, pads, 0.0), height, width))
    include = bool(node.attrs["count_include_pad"])
    counts = np.outer(_counted(height, include), _counted(width, include))
    if xp is np:
        return total / counts.astype(x.dtype)
    return total / xp.as_tensor(counts, dtype=x.dtype, device=x.device)


def _counted(axis: Axis, include: bool) -> Array:
    """How many taps of each window count."""
    low, high = (-axis.before, axis.size + axis.after) if include else (0, axis.size)
    begin = np.arange(axis.count, dtype=np.int64) * axis.stride - axis.before
    first = np.maximum(0, -((begin - low) // axis.dilation))
    last = np.minimum(axis.kernel, -((begin - high) // axis.dilation))
    return np.asarray(last - first)
