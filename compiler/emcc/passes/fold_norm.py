"""Batch normalisation that no convolution took takes up the arithmetic on whole channels behind it."""

from dataclasses import replace

import numpy as np

from emcc.passes.channelwise import channels_of
from emcc.passes.fold_affine import float32
from emcc.passes.fold_draft import Draft


def fold_norms(draft: Draft) -> None:
    """One BatchNormalization in the place of it and all such nodes behind it. Raises EmccError beyond float32."""
    for node in [node for node in draft.nodes if node.op == "BatchNormalization"]:
        if not any(other is node for other in draft.nodes):  # one before it took it
            continue
        x, *names = node.inputs
        scale, bias = (draft.constants[name].astype(np.float64) for name in names[:2])
        taken, (y,) = [node], node.outputs
        while (after := draft.only_user(y)) is not None and draft.shape(after.outputs[0]) == draft.shape(y):
            channels = channels_of(after, draft.constants, draft.shape(y))
            if channels is None:
                break
            scale, bias = scale * channels[0], bias * channels[0] + channels[1]
            taken.append(after)
            (y,) = after.outputs
        if len(taken) == 1:
            continue
        held = [draft.constants[name] for name in names[2:]]
        draft.release(taken)
        values = [float32(node.name, scale), float32(node.name, bias), *held]
        kept = [draft.constant(name, value) for name, value in zip(names, values, strict=True)]
        draft.replace(taken, [replace(node, inputs=(x, *kept), outputs=(y,))])
