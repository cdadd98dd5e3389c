"""Rules of the operators on windows of images [n, channels, height, width]: Conv and pooling."""

from dataclasses import replace
from typing import Any

from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.ops.windows import Axis

AGAIN = "export the model again"


def conv(node: Operands) -> Made:
    """Two spatial axes, constant weights; kernel_shape is the weight's."""
    image(node, "Conv")
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
    image(node, op)
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


def image(node: Operands, op: str) -> None:
    """Refuse what is no image with two spatial axes."""
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
