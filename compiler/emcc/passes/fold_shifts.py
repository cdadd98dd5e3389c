"""Large constants that are added to a sequence, such as what tells its places apart, become weights of their own."""

import math

from emcc.ir.graph import Node
from emcc.passes.fold_affine import float32
from emcc.passes.fold_draft import Draft

LEAST = 256
"""Elements from which on a constant is worth a codebook."""


def fold_shifts(draft: Draft) -> None:
    """Put a Shift in the place of every Add of a constant matrix that keeps the tensor's shape."""
    for node in [node for node in draft.nodes if node.op == "Add"]:
        held = [name for name in node.inputs if name in draft.constants]
        computed = draft.computed(node)
        if len(held) != 1 or len(computed) != 1:
            continue
        value, shape = draft.constants[held[0]], draft.shape(computed[0])
        sizes = value.shape
        while sizes[:1] == (1,):
            sizes = sizes[1:]
        fits = 2 <= len(sizes) <= len(shape) and draft.shape(node.outputs[0]) == shape
        if not fits or math.prod(sizes) < LEAST:
            continue
        draft.release([node])
        weight = draft.constant(held[0], float32(node.name, value).reshape(sizes))
        draft.replace([node], [Node(node.name, "Shift", (computed[0], weight), node.outputs)])
