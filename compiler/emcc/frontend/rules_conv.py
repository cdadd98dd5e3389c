"""Rules of the operators on images [n, channels, height, width]: Conv, pooling, Concat; and Clip."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.ops.windows import Axis

MEAN = "emcc takes means over all spatial axes of [batch, channels, height, width], e.g. x.mean((2, 3))"
AGAIN = "export the model again"
LARGEST = float(np.finfo(np.float32).max)


def conv(node: Operands) -> Made:
    """Two spatial axes, constant weights; kernel_shape is the weight's."""
    _image(node, "Conv")
    weight = node.weights(1)
    if weight.ndim != 4:
        raise Refusal(f"its weight has {weight.ndim} axes, not 4", AGAIN)
    kernel = tuple(weight.shape[2:])
    stated = tuple(node.attrs.get("kernel_shape", kernel))
    if stated != kernel:
        raise Refusal(f"kernel_shape is {list(stated)}, the weight's is {list(kernel)}", AGAIN)
    attrs = {**_windows(node, kernel), "group": int(node.attrs["group"])}
    inputs = [node.proto.input[0], node.keep(1, weight)]
    if node.given(2):
        inputs.append(node.keep(2, node.weights(2, 1)))
    return "Conv", tuple(inputs), attrs


def pool(node: Operands) -> Made:
    """MaxPool or AveragePool over two spatial axes."""
    op = node.proto.op_type
    _image(node, op)
    kernel = tuple(int(size) for size in node.attrs["kernel_shape"])
    if len(kernel) != 2 or min(kernel) < 1:
        raise Refusal(f"kernel_shape is {list(kernel)}", AGAIN)
    ceil = int(bool(node.attrs.get("ceil_mode", 0)))
    attrs = {**_windows(node, kernel, ceil), "kernel_shape": kernel, "ceil_mode": ceil}
    if any(pad >= kernel[i % 2] for i, pad in enumerate(attrs["pads"])):
        raise Refusal(f"pads {list(attrs['pads'])} are as wide as the window {list(kernel)}", "make the pads smaller")
    if op == "AveragePool":
        attrs["count_include_pad"] = int(bool(node.attrs.get("count_include_pad", 0)))
    return op, (node.proto.input[0],), attrs


def global_max_pool(node: Operands) -> Made:
    """Over both spatial axes: a MaxPool of one window."""
    _image(node, "GlobalMaxPool")
    kernel = tuple(int(size or 1) for size in node.shape()[2:])
    attrs = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0), "kernel_shape": kernel, "ceil_mode": 0}
    return "MaxPool", (node.proto.input[0],), attrs


def global_average_pool(node: Operands) -> Made:
    """Over all spatial axes."""
    node.shape()
    return "GlobalAveragePool", (node.proto.input[0],), {}


def reduce_mean(node: Operands) -> Made:
    """Over all spatial axes: the global pool, and a Squeeze behind it where they are not kept."""
    shape, x = node.shape(), node.proto.input[0]
    axes = node.axes(len(shape))
    if not axes and node.attrs.get("noop_with_empty_axes", 0) == 1:
        return "Identity", (x,), {}
    spatial = tuple(range(2, len(shape)))
    if not spatial or axes != spatial:
        over = "all axes" if not axes else f"axes {list(axes)}"
        raise Refusal(f"takes the mean of {list(shape[1:])} samples over {over}", MEAN)
    if node.attrs["keepdims"]:
        return "GlobalAveragePool", (x,), {}
    return "Squeeze", (node.put("GlobalAveragePool", (x,), {}),), {"axes": spatial}


def concat(node: Operands) -> Made:
    """Computed tensors, along any axis but the batch."""
    constant = [i for i in range(len(node.proto.input)) if not node.is_data(i)]
    if constant:
        raise Refusal(f"joins a constant (input {constant[0]}) to computed tensors", "join computed tensors only")
    bare = {node.bare(i) for i in range(len(node.proto.input))} == {True}
    ranks = {len(node.own(i) if bare else node.full(i)) for i in range(len(node.proto.input))}
    axis = node.axis("axis", max(ranks))
    if axis == 0 and not bare:
        raise Refusal("Concat joins samples along the batch axis", "set its axis to the features")
    if len(node.proto.input) == 1:
        return "Identity", (node.proto.input[0],), {}
    return _both_classes(node, axis) or ("Concat", tuple(node.proto.input), {"axis": axis + bare})


def _both_classes(node: Operands, axis: int) -> Made | None:
    """(c - p, p) of one number p a sample, as exporters write a binary classifier's classes: a Gemm."""
    if axis != 1 or len(node.proto.input) != 2:
        return None
    first, second = node.proto.input
    for at, (rest, p) in enumerate(((first, second), (second, first))):
        maker = node.makers.get(rest)
        if maker is None or maker.op != "Sub" or maker.inputs[1] != p or node.shape(at) != (None, 1):
            continue
        whole = node.kept[maker.inputs[0]]
        if whole.size == 1:
            order = [1, 0] if at else [0, 1]
            weight, bias = np.array([[-1], [1]], np.float32)[order], np.array([whole.flat[0], 0], np.float32)[order]
            names = node.constant_of("classes", weight), node.constant_of("whole", bias)
            return "Gemm", (p, *names), {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}
    return None


def clip(node: Operands) -> Made:
    """Bounds are attributes before opset 11, inputs since. From 0 upwards it is a Relu."""
    node.shape(bare=True)
    low, high = (_bound(node, i, name) for i, name in ((1, "min"), (2, "max")))
    low, high = -LARGEST if low is None else low, LARGEST if high is None else high
    if low > high:
        raise Refusal(f"clips to no less than {low} and no more than {high}", AGAIN)
    return clipped(node.proto.input[0], low, high)


def clipped(x: str, low: float, high: float) -> Made:
    """A Clip between two numbers, or what does the same."""
    if low == 0 and high == LARGEST:
        return "Relu", (x,), {}
    return "Clip", (x,), {"low": low, "high": high}


def _bound(node: Operands, i: int, name: str) -> float | None:
    if node.opset < 11:
        value = float(node.attrs[name]) if name in node.attrs else None
    else:
        value = _one(node, i, name) if node.given(i) else None
    if value is not None and math.isnan(value):
        raise Refusal(f"its bound {name!r} is NaN", AGAIN)
    return value if value is None else min(max(value, -LARGEST), LARGEST)


def _one(node: Operands, i: int, name: str) -> float:
    """The one element of a constant, which some exporters give an axis."""
    value = node.constant(i)
    if value.size != 1 or value.dtype.kind != "f":
        raise Refusal(f"its bound {name!r} is {value.dtype} {list(value.shape)}, not one float", AGAIN)
    return float(value.flat[0])


def _image(node: Operands, op: str) -> None:
    shape = node.shape()
    if len(shape) != 4:
        raise Refusal(
            f"{op} over samples of {len(shape) - 1} axes", "emcc takes [channels, height, width]: Unsqueeze the rest"
        )


def _windows(node: Operands, kernel: tuple[int, ...], ceil: int = 0) -> dict[str, Any]:
    """strides, dilations and pads, with auto_pad made into pads."""
    strides, dilations = (tuple(int(i) for i in node.attrs.get(name, (1, 1))) for name in ("strides", "dilations"))
    pads = tuple(int(i) for i in node.attrs.get("pads", (0, 0, 0, 0)))
    auto = node.attrs["auto_pad"]
    if (len(strides), len(dilations), len(pads)) != (2, 2, 4):
        raise Refusal(f"strides {list(strides)}, dilations {list(dilations)}, pads {list(pads)} do not fit", AGAIN)
    if min(*strides, *dilations) < 1 or min(pads) < 0:
        raise Refusal(f"strides {list(strides)}, dilations {list(dilations)}, pads {list(pads)} make no windows", AGAIN)
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise Refusal(f"auto_pad is {auto!r}", AGAIN)
    if auto != "NOTSET":
        if any(pads):
            raise Refusal(f"has pads {list(pads)} and auto_pad {auto!r}", "remove one of them")
        sizes = [size for size in node.shape()[2:] if size is not None]
        bare = [Axis(*axis, 0, 0) for axis in zip(sizes, kernel, strides, dilations, strict=True)]
        axes = [replace(axis, before=pad[0], after=pad[1]) for axis in bare for pad in [_padding(auto, axis)]]
        pads = (axes[0].before, axes[1].before, axes[0].after, axes[1].after)
        if ceil and any(replace(axis, ceil=True).count != axis.count for axis in axes):
            raise Refusal(f"ceil_mode with auto_pad {auto!r} has two readings", "give it pads instead")
    return {"strides": strides, "dilations": dilations, "pads": pads}


def _padding(auto: str, axis: Axis) -> tuple[int, int]:
    """(before, after). SAME has ceil(size / stride) windows; the odd element is after (UPPER) or before (LOWER)."""
    if auto == "VALID":
        return 0, 0
    total = max(0, (-(-axis.size // axis.stride) - 1) * axis.stride + axis.reach - axis.size)
    small, large = total // 2, total - total // 2
    return (small, large) if auto == "SAME_UPPER" else (large, small)
