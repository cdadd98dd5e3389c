"""Rule of ConvTranspose: a Conv that computes every phase of the strides as channels, and moves that interleave them.

Element q s + p of an axis, of stride s and kernel k, is the sum over j of x[q - j] w[j s + p]: for each phase p a
correlation with every s-th weight, in reverse (Shi et al. 2016, "Is the deconvolution layer the same as a convolutional
layer?"). No product by an inserted zero is computed; weights that a phase lacks are zeros, which the array leaves out.
"""

import math
from dataclasses import dataclass

import numpy as np

from emcc.frontend.operands import LARGEST, Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.frontend.rules_conv import AGAIN, as_image, as_it_was, check_kernel, image
from emcc.ir.graph import Array


@dataclass(frozen=True)
class Axis:
    """One spatial axis: sizes in elements of input and output, kernel in weights; `begin`: elements cut in front."""

    size: int
    kernel: int
    stride: int
    dilation: int
    begin: int
    count: int

    @property
    def taps(self) -> int:
        """Weights of a phase."""
        return -(-self.kernel // self.stride)

    @property
    def lead(self) -> int:
        """Windows in front that nothing of the output needs."""
        return min(self.begin // self.stride, (self.taps - 1) * self.dilation)

    @property
    def cut(self) -> int:
        """Elements in front of the output, of what the windows give."""
        return self.begin - self.lead * self.stride

    @property
    def pads(self) -> tuple[int, int]:
        """Zeros before and after the input, so that there is a window for every element of the output."""
        windows = -(-(self.cut + self.count) // self.stride)
        return (self.taps - 1) * self.dilation - self.lead, max(0, windows - self.size + self.lead)

    @property
    def made(self) -> int:
        """Elements that the windows give."""
        return (self.size - self.lead + self.pads[1]) * self.stride


def conv_transpose(node: Operands) -> Made:
    """One or two spatial axes, constant weights [channels, maps / group, kernel ...]."""
    spatial, group = image(node, "ConvTranspose", least=3), int(node.attrs["group"])
    weight = node.weights(1, spatial + 2)
    channels = node.full()[1]
    if group < 1 or weight.shape[0] != channels or channels % group:
        raise Refusal(f"its weight is {list(weight.shape)} in {group} groups, for {channels} channels", AGAIN)
    maps = weight.shape[1] * group
    axes = _axes(node, weight.shape[2:])
    if spatial == 1:
        axes, weight = [Axis(1, 1, 1, 1, 0, 1), *axes], weight[:, :, None]
    inputs = [as_image(node, spatial, node.proto.input[0]), node.keep(1, _phases(weight, axes, group))]
    if node.given(2):
        bias = node.weights(2, 1)
        if len(bias) != maps:
            raise Refusal(f"its bias has {len(bias)} elements for {maps} maps", AGAIN)
        inputs.append(node.keep(2, np.repeat(bias, axes[0].stride * axes[1].stride)))
    made = _interleaved(node, ("Conv", tuple(inputs), _attributes(axes, group)), maps, axes)
    if any((axis.cut, axis.count) != (0, axis.made) for axis in axes):
        begins, counts = (0, *(axis.cut for axis in axes)), (maps, *(axis.count for axis in axes))
        made = "Slice", (node.put(*made),), {"begins": begins, "counts": counts, "steps": (1, 1, 1)}
    return as_it_was(node, spatial, made)


def _attributes(axes: list[Axis], group: int) -> dict[str, object]:
    (top, bottom), (left, right) = (axis.pads for axis in axes)
    dilations = tuple(axis.dilation for axis in axes)
    return {"strides": (1, 1), "dilations": dilations, "pads": (top, left, bottom, right), "group": group}


def _phases(weight: Array, axes: list[Axis], group: int) -> Array:
    """[channels, maps / group, kernel ...] as a Conv's, whose maps are (map, phase of height, phase of width)."""
    missing = [axis.taps * axis.stride - axis.kernel for axis in axes]
    whole = np.pad(weight, ((0, 0), (0, 0), *((0, count) for count in missing)))
    (j, s), (k, t) = ((axis.taps, axis.stride) for axis in axes)
    channels, maps = weight.shape[0] // group, weight.shape[1]
    split = whole.reshape(group, channels, maps, j, s, k, t)[:, :, :, ::-1, :, ::-1]
    return np.ascontiguousarray(split.transpose(0, 2, 4, 6, 1, 3, 5)).reshape(group * maps * s * t, channels, j, k)


def _interleaved(node: Operands, conv: Made, maps: int, axes: list[Axis]) -> Made:
    """Phases that are channels, as positions."""
    high, wide = (axis.stride for axis in axes)
    if high == wide == 1:
        return conv
    x = node.put(*conv)
    if high == wide:
        return "DepthToSpace", (x,), {"blocksize": high, "mode": "CRD"}
    rows, columns = (axis.made // axis.stride for axis in axes)
    x = node.put("Reshape", (x,), {"shape": (maps, high, wide, rows, columns)})
    x = node.put("Transpose", (x,), {"perm": (0, 1, 4, 2, 5, 3)})
    return "Reshape", (x,), {"shape": (maps, rows * high, columns * wide)}


def _axes(node: Operands, kernel: tuple[int, ...]) -> list[Axis]:
    """The spatial axes, with auto_pad and output_shape made into pads as the operator's definition has them."""
    n, sizes = len(kernel), node.full()[2:]
    check_kernel(node, kernel)
    strides, dilations = (tuple(int(i) for i in node.attrs.get(name, (1,) * n)) for name in ("strides", "dilations"))
    extra = tuple(int(i) for i in node.attrs.get("output_padding", (0,) * n))
    pads = tuple(int(i) for i in node.attrs.get("pads", (0,) * 2 * n))
    if (len(strides), len(dilations), len(extra), len(pads)) != (n, n, n, 2 * n):
        raise Refusal(f"strides {list(strides)}, pads {list(pads)}, output_padding {list(extra)} do not fit", AGAIN)
    if min(*strides, *dilations) < 1 or min(*extra, *pads) < 0:
        raise Refusal(f"strides {list(strides)}, dilations {list(dilations)}, pads {list(pads)} make no map", AGAIN)
    if any(step > 1 and space > 1 for step, space in zip(strides, dilations, strict=True)):
        raise Refusal(f"it is dilated by {list(dilations)} at strides {list(strides)}", "use one of the two")
    reach = [(size - 1) * space + 1 for size, space in zip(kernel, dilations, strict=True)]
    whole = [step * (size - 1) + more for step, size, more in zip(strides, sizes, reach, strict=True)]
    made = [size + more for size, more in zip(whole, extra, strict=True)]
    begins, counts = _cuts(node, made, pads, strides, sizes)
    if min(counts) < 1 or math.prod(counts) > LARGEST:
        raise Refusal(f"it makes a map of {list(counts)}", "are its pads right?")
    parts = zip(sizes, kernel, strides, dilations, begins, counts, strict=True)
    return [Axis(*part) for part in parts]


def _cuts(
    node: Operands, made: list[int], pads: tuple[int, ...], strides: tuple[int, ...], sizes: tuple[int, ...]
) -> tuple[list[int], list[int]]:
    """(elements cut in front, elements left) of each axis, of `made` that there would be without pads."""
    n, auto = len(made), node.attrs["auto_pad"]
    asked = tuple(int(i) for i in node.attrs.get("output_shape", ()))[-n:]
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise Refusal(f"auto_pad is {auto!r}", AGAIN)
    if not asked and auto.startswith("SAME"):
        asked = tuple(size * step for size, step in zip(sizes, strides, strict=True))
    if not asked:
        pads = (0,) * 2 * n if auto == "VALID" else pads
        return list(pads[:n]), [size - pads[i] - pads[i + n] for i, size in enumerate(made)]
    if len(asked) != n:
        raise Refusal(f"output_shape is {list(asked)} for {n} axes", AGAIN)
    total = [size - want for size, want in zip(made, asked, strict=True)]
    if min(total) < 0 and "output_shape" not in node.attrs:
        raise Refusal(
            f"it is to make {list(asked)} of {made}, which has two readings", "give it output_padding instead"
        )
    total = [max(0, less) for less in total]
    return [less // 2 if auto == "SAME_UPPER" else less - less // 2 for less in total], list(asked)
