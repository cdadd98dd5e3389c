"""Rules of operators that take one number of many: reductions over axes, global pools, TopK."""

import math

import numpy as np

from emcc.frontend.operands import BATCH, Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.ops.operator import Shape

POOLED = ("ReduceMax", "ReduceMean", "ReduceSum")
MEAN = "emcc reduces a sample's own axes, not the batch: name them, without axis 0"


def global_max_pool(node: Operands) -> Made:
    """Over all spatial axes: a MaxPool of one window, or the largest of the axes."""
    shape = node.shape()
    if len(shape) < 3:
        raise Refusal(f"GlobalMaxPool over samples of {len(shape) - 1} axes", "it wants [channels, height, width]")
    return _pooled(node, "ReduceMax", node.proto.input[0], shape, keep=True)


def global_average_pool(node: Operands) -> Made:
    """Over all spatial axes."""
    if len(node.shape()) < 3:
        raise Refusal(f"averages samples of {len(node.shape()) - 1} axes", "it wants [channels, height, width]")
    return _pooled(node, "ReduceMean", node.proto.input[0], node.shape(), keep=True)


def reduction(node: Operands) -> Made:
    """Over axes of a sample; over all spatial axes of an image or a line, of channels first or last, means, sums and
    largest are pools."""
    op, x, shape = node.proto.op_type, node.proto.input[0], node.shape(bare=True)
    named, keep = node.axes(len(node.own())), bool(node.attrs["keepdims"])
    if not named and node.attrs.get("noop_with_empty_axes", 0) == 1:
        return _of_itself(op, x, node)
    if node.bare():
        own = tuple(axis + 1 for axis in named or range(len(node.own())))
        return op, (x,), {"axes": own, "keepdims": int(keep)}
    axes = named or tuple(range(len(shape)))
    if axes[0] == 0:
        if not node.single:
            over = f"axes {list(named)}" if named else "all axes"
            raise Refusal(f"{op} of {list(shape[1:])} samples runs over {over}", MEAN)
        node.leaves_bare, axes = not keep, axes[1:]
        return (op, (x,), {"axes": axes, "keepdims": int(keep)}) if axes else _of_itself(op, x, node)
    if op in POOLED and 3 <= len(shape) <= 4:
        last = len(shape) - 1
        if axes == tuple(range(2, last + 1)):
            return _pooled(node, op, x, shape, keep=keep)
        if axes == tuple(range(1, last)):
            x = node.put("Transpose", (x,), {"perm": (0, last, *axes)})
            made = _pooled(node, op, x, (None, shape[last], *shape[1:last]), keep=keep)
            return ("Transpose", (node.put(*made),), {"perm": (0, *range(2, last + 1), 1)}) if keep else made
    if op in ("ReduceMean", "ReduceSum") and axes == tuple(range(2, len(shape))):
        return _pooled(node, op, x, shape, keep=keep)
    return op, (x,), {"axes": axes, "keepdims": int(keep)}


def _of_itself(op: str, x: str, node: Operands) -> Made:
    """Over no axes: what the operator does to one element."""
    if op in ("ReduceSumSquare",):
        return "Mul", (x, x), {}
    if op in ("ReduceL1", "ReduceL2"):
        return "LeakyRelu", (x,), {"alpha": -1.0}
    if op == "ReduceLogSum":
        return "Log", (x,), {}
    return "Identity", (x,), {}


def _pooled(node: Operands, op: str, x: str, shape: Shape, *, keep: bool) -> Made:
    """Means, sums or largest of a tensor [n, channels, spatial ...]: a pool over all of it, times the number of
    elements for a sum, and a Squeeze behind it where axes are not kept."""
    line, spatial = len(shape) == 3, tuple(int(size or 1) for size in shape[2:])
    if op == "ReduceMax" and len(shape) > 4:
        return op, (x,), {"axes": tuple(range(2, len(shape))), "keepdims": int(keep)}
    if line:
        x = node.put("Unsqueeze", (x,), {"axes": (2,)})
    made: Made = ("GlobalAveragePool", (x,), {})
    if op == "ReduceMax":
        kernel = (1, *spatial) if line else spatial
        attrs = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0), "kernel_shape": kernel, "ceil_mode": 0}
        made = "MaxPool", (x,), attrs
    if op == "ReduceSum":
        made = "Mul", (node.put(*made), node.constant_of("number", np.full((), math.prod(spatial), np.float32))), {}
    gone = tuple(range(2, 2 + len(spatial) + line)) if not keep else ((2,) if line else ())
    return ("Squeeze", (node.put(*made),), {"axes": gone}) if gone else made


def top(node: Operands) -> Made:
    """The largest or smallest along an axis, in order; their places are an output of their own."""
    shape, x = node.shape(), node.proto.input[0]
    axis = node.axis("axis", len(shape))
    if axis == 0:
        raise Refusal("TopK runs over the batch axis", BATCH)
    count = node.integers(1) if node.opset >= 10 else (int(node.attrs["k"]),)
    if len(count) != 1 or not 1 <= count[0] <= int(shape[axis] or 0):
        raise Refusal(f"takes {list(count)} of {shape[axis]} elements", "mend its K")
    attrs = {"axis": axis, "k": count[0], "largest": int(bool(node.attrs.get("largest", 1)))}
    made = [("TopK", (x,), {**attrs, "indices": which}) for which in (0, 1)]
    node.also(1, made[1])
    return made[0]
