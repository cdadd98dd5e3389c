"""The rule of Concat."""

import numpy as np

from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal


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
