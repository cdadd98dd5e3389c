"""Rules of what normalises a sample by its own numbers."""

import numpy as np

from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal

AGAIN = "export the model again"


def local_response(node: Operands) -> Made:
    """Over neighbouring channels."""
    node.shape()
    attrs = {name: node.number(name) for name in ("alpha", "beta", "bias")}
    size = int(node.attrs["size"])
    if size < 1:
        raise Refusal(f"its size is {size}", AGAIN)
    return "LRN", (node.proto.input[0],), {**attrs, "size": size}


def layer(node: Operands) -> Made:
    """LayerNormalization and RMSNormalization, over all axes from one on."""
    op, shape = node.proto.op_type, node.shape()
    axis = node.axis("axis", len(shape))
    if axis == 0:
        raise Refusal(f"{op} runs over the batch axis", "set its axis to the features")
    epsilon = _epsilon(node)
    count = 3 if op == "LayerNormalization" else 2
    inputs = [node.proto.input[0], *(node.keep(i, node.weights(i)) for i in range(1, count) if node.given(i))]
    return op, tuple(inputs), {"axis": axis, "epsilon": epsilon}


def by_channel(node: Operands) -> Made:
    """InstanceNormalization and GroupNormalization, with a scale and a bias a channel (before opset 21 a group)."""
    op, shape = node.proto.op_type, node.shape()
    attrs: dict[str, object] = {"epsilon": _epsilon(node)}
    values = [node.weights(i, 1) for i in (1, 2)]
    if op == "GroupNormalization":
        groups, channels = int(node.attrs["num_groups"]), int(shape[1] or 1)
        if groups < 1 or channels % groups:
            raise Refusal(f"{channels} channels are not {groups} groups", AGAIN)
        attrs["num_groups"] = groups
        if node.opset < 21:
            values = [np.repeat(value, channels // groups) for value in values]
    names = [node.keep(i, value) for i, value in enumerate(values, 1)]
    return op, (node.proto.input[0], *names), attrs


def by_norm(node: Operands) -> Made:
    """Over its L1 or L2 norm along an axis."""
    axis, p = node.axis("axis", len(node.shape())), int(node.attrs["p"])
    if axis == 0 or p not in (1, 2):
        raise Refusal(f"divides by the norm {p} along axis {axis}", "use norm 1 or 2 along an axis of the features")
    return "LpNormalization", (node.proto.input[0],), {"axis": axis, "p": p}


def _epsilon(node: Operands) -> float:
    epsilon = node.number("epsilon")
    if epsilon < 0:
        raise Refusal(f"its epsilon is {epsilon}", AGAIN)
    return epsilon
