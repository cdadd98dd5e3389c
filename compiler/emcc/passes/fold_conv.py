"""Folds what scales and shifts whole channels into the Conv before it, or else into the one behind it."""

import numpy as np

from emcc.ir.graph import Array, Node
from emcc.passes.channelwise import Channels, channels_of
from emcc.passes.fold_affine import float32
from emcc.passes.fold_draft import Draft


def fold_conv(draft: Draft, node: Node) -> None:
    """Every Conv gets a bias, float64, and takes up the arithmetic around it."""
    weight = draft.constants[node.inputs[1]]
    bias = draft.constants[node.inputs[2]].astype(np.float64) if len(node.inputs) > 2 else np.zeros(len(weight))
    names, taken, (x,), (y,) = list(node.inputs[1:]), [node], draft.computed(node), node.outputs
    while (after := draft.only_user(y)) is not None and (channels := _channels(draft, after, y)) is not None:
        scale, offset = channels
        weight, bias = _scaled(weight, scale[:, None, None, None]), bias * scale + offset
        taken.append(after)
        names += [name for name in after.inputs if name in draft.constants]
        (y,) = after.outputs
    while (before := draft.producer(x)) is not None and draft.only_user(x) is not None:
        (source, *_) = draft.computed(before)
        if (channels := _channels(draft, before, source)) is None:
            break
        scale, offset = channels
        if offset.any() and any(node.attrs["pads"]):
            break
        inner, group = weight.shape[1], int(node.attrs["group"])
        rows = np.arange(len(weight)) // (len(weight) // group) * inner
        at = rows[:, None] + np.arange(inner)
        bias = bias + np.einsum("oihw,oi->o", weight.astype(np.float64), offset[at])
        weight = _scaled(weight, scale[at][:, :, None, None])
        taken.append(before)
        x = source
    draft.release(taken)
    own = draft.constant(names[0], float32(node.name, weight))
    added = draft.constant(names[1] if len(names) > 1 else f"{node.name}.bias", bias + 0.0)
    draft.replace(taken, [Node(node.name, "Conv", (x, own, added), (y,), dict(node.attrs))])


def _scaled(weight: Array, scale: Array) -> Array:
    """Unscaled weights keep their type, and so their bits."""
    return weight if (scale == 1).all() else weight * scale


def _channels(draft: Draft, node: Node, x: str) -> Channels | None:
    """(scale, offset) of each channel, where a node is arithmetic that treats each channel of x as a whole."""
    shape = draft.shape(x)
    same = len(draft.computed(node)) == 1 and draft.shape(node.outputs[0]) == shape
    return channels_of(node, draft.constants, shape) if same else None
