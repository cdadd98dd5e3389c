"""Rules of operators that take one number of many: reductions over axes, global pools, TopK."""

import math

import numpy as np

from emcc.frontend.operands import BATCH, Made, Operands
from emcc.frontend.refusal import Refusal

MEAN = "emcc reduces a sample's own axes, not the batch: name them, without axis 0"


def global_max_pool(node: Operands) -> Made:
    """Over all spatial axes: a MaxPool of one window, or the largest of the axes."""
    shape = node.shape()
    if len(shape) < 3:
        raise Refusal(f"GlobalMaxPool over samples of {len(shape) - 1} axes", "it wants [channels, height, width]")
    return _largest(node, tuple(range(2, len(shape))), keep=True)


def global_average_pool(node: Operands) -> Made:
    """Over all spatial axes."""
    if len(node.shape()) < 3:
        raise Refusal(f"averages samples of {len(node.shape()) - 1} axes", "it wants [channels, height, width]")
    return _mean(node, tuple(range(2, len(node.shape()))), keep=True)


def reduction(node: Operands) -> Made:
    """Over axes of a sample; over all spatial axes of an image means, sums and largest are pools."""
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
    if axes == tuple(range(2, len(shape))):
        if op == "ReduceMax" and len(shape) == 4:
            return _largest(node, axes, keep)
        if op in ("ReduceMean", "ReduceSum"):
            return _mean(node, axes, keep)
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


def _largest(node: Operands, axes: tuple[int, ...], keep: bool) -> Made:
    x, shape = node.proto.input[0], node.shape()
    if len(shape) != 4:
        return "ReduceMax", (x,), {"axes": axes, "keepdims": int(keep)}
    kernel = tuple(int(size or 1) for size in shape[2:])
    attrs = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0), "kernel_shape": kernel, "ceil_mode": 0}
    if keep:
        return "MaxPool", (x,), attrs
    return "Squeeze", (node.put("MaxPool", (x,), attrs),), {"axes": axes}


def _mean(node: Operands, axes: tuple[int, ...], keep: bool) -> Made:
    """The global pool, times the number of elements for a sum, and a Squeeze behind it where axes are not kept."""
    x = node.proto.input[0]
    if len(node.shape()) == 3:
        x, axes = node.put("Unsqueeze", (x,), {"axes": (2,)}), (2, 3)
    made: Made = ("GlobalAveragePool", (x,), {})
    if node.proto.op_type == "ReduceSum":
        number = math.prod(int(size or 1) for size in node.shape()[2:])
        made = "Mul", (node.put(*made), node.constant_of("number", np.full((), number, np.float32))), {}
    if keep and len(node.shape()) == 3:
        axes, keep = (2,), False
    return made if keep else ("Squeeze", (node.put(*made),), {"axes": axes})


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
