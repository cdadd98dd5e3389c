"""Rules of the operators on windows of [n, channels, height, width], or [n, channels, width]: Conv and pooling."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.ir.graph import Array
from emcc.ops.windows import Axis

AGAIN = "export the model again"
Layout = Callable[[Array], Array]


def conv(node: Operands) -> Made:
    """One or two spatial axes, constant weights; kernel_shape is the weight's."""
    spatial = image(node, "Conv", least=3)
    weight = node.weights(1)
    bias = [node.keep(2, node.weights(2, 1))] if node.given(2) else []
    return convolved(node, spatial, node.proto.input[0], weight, lambda layout: node.keep(1, layout(weight)), *bias)


def convolved(node: Operands, spatial: int, x: str, weight: Array, kept: Callable[[Layout], str], *bias: str) -> Made:
    """A Conv of tensor `x`, which stands for input 0, with a weight that `kept` keeps in a layout of two axes."""
    if weight.ndim != spatial + 2:
        raise Refusal(f"its weight has {weight.ndim} axes, not {spatial + 2}", AGAIN)
    kernel = tuple(weight.shape[2:])
    check_kernel(node, kernel)
    attrs = {**_windows(node, kernel), "group": int(node.attrs["group"])}
    x = as_image(node, spatial, x)
    held = kept(lambda value: value if spatial == 2 else value[:, :, None])
    return as_it_was(node, spatial, ("Conv", (x, held, *bias), attrs))


def pool(node: Operands) -> Made:
    """MaxPool or AveragePool over one or two spatial axes."""
    op = node.proto.op_type
    spatial = image(node, op, least=3)
    return as_it_was(
        node, spatial, (op, (as_image(node, spatial, node.proto.input[0]),), pool_attributes(node, op, spatial))
    )


def pool_attributes(node: Operands, op: str, spatial: int = 2) -> dict[str, Any]:
    """The attributes of a MaxPool or AveragePool over so many spatial axes."""
    if image(node, op, least=3) != spatial:
        raise Refusal(f"{op} over samples of {len(node.shape()) - 1} axes", "emcc takes [channels, height, width]")
    kernel = tuple(int(size) for size in node.attrs["kernel_shape"])
    if len(kernel) != spatial or min(kernel) < 1:
        raise Refusal(f"kernel_shape is {list(kernel)}", AGAIN)
    ceil = int(bool(node.attrs.get("ceil_mode", 0)))
    attrs = {**_windows(node, kernel, ceil), "kernel_shape": _two(kernel), "ceil_mode": ceil}
    if any(pad >= _two(kernel)[i % 2] for i, pad in enumerate(attrs["pads"])):
        raise Refusal(f"pads {list(attrs['pads'])} are as wide as the window {list(kernel)}", "make the pads smaller")
    if op == "AveragePool":
        attrs["count_include_pad"] = int(bool(node.attrs.get("count_include_pad", 0)))
    return attrs


def image(node: Operands, op: str, least: int = 4) -> int:
    """The number of spatial axes: two, or one where `least` is 3. Refuse anything else."""
    shape = node.shape()
    if not least <= len(shape) <= 4:
        raise Refusal(
            f"{op} over samples of {len(shape) - 1} axes", "emcc takes [channels, height, width]: Unsqueeze the rest"
        )
    return len(shape) - 2


def check_kernel(node: Operands, kernel: tuple[int, ...]) -> None:
    """Refuse where kernel_shape is stated, and is not the weight's."""
    stated = tuple(node.attrs.get("kernel_shape", kernel))
    if stated != kernel:
        raise Refusal(f"kernel_shape is {list(stated)}, the weight's is {list(kernel)}", AGAIN)


def as_image(node: Operands, spatial: int, x: str) -> str:
    """Tensor `x`, with a height of 1 where it has none."""
    return x if spatial == 2 else node.put("Unsqueeze", (x,), {"axes": (2,)})


def as_it_was(node: Operands, spatial: int, made: Made) -> Made:
    """What was made of an image, without the height that it did not have."""
    return made if spatial == 2 else ("Squeeze", (node.put(*made),), {"axes": (2,)})


def _two(values: tuple[int, ...], one: int = 1) -> tuple[int, ...]:
    """Of height and width: of one axis, `one` in front of each."""
    return values if len(values) == 2 else (one, *values)


def _windows(node: Operands, kernel: tuple[int, ...], ceil: int = 0) -> dict[str, Any]:
    """strides, dilations and pads of height and width, with auto_pad made into pads."""
    n = len(kernel)
    strides, dilations = (tuple(int(i) for i in node.attrs.get(name, (1,) * n)) for name in ("strides", "dilations"))
    pads = tuple(int(i) for i in node.attrs.get("pads", (0, 0) * n))
    auto = node.attrs["auto_pad"]
    if (len(strides), len(dilations), len(pads)) != (n, n, 2 * n):
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
        pads = (*(axis.before for axis in axes), *(axis.after for axis in axes))
        if ceil and any(replace(axis, ceil=True).count != axis.count for axis in axes):
            raise Refusal(f"ceil_mode with auto_pad {auto!r} has two readings", "give it pads instead")
    pads = pads if n == 2 else (0, pads[0], 0, pads[1])
    return {"strides": _two(strides), "dilations": _two(dilations), "pads": pads}


def _padding(auto: str, axis: Axis) -> tuple[int, int]:
    """(before, after). SAME has ceil(size / stride) windows; the odd element is after (UPPER) or before (LOWER)."""
    if auto == "VALID":
        return 0, 0
    total = max(0, (-(-axis.size // axis.stride) - 1) * axis.stride + axis.reach - axis.size)
    small, large = total // 2, total - total // 2
    return (small, large) if auto == "SAME_UPPER" else (large, small)
