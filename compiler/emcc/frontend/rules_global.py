"""Rules of the operators over a whole image: global pools, and the means that are one."""

from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.frontend.rules_conv import image

MEAN = "emcc takes means over all spatial axes of [batch, channels, height, width], e.g. x.mean((2, 3))"


def global_max_pool(node: Operands) -> Made:
    """Over both spatial axes: a MaxPool of one window."""
    image(node, "GlobalMaxPool")
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
