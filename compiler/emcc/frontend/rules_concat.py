"""The rule of Concat."""

import numpy as np

from emcc.frontend.operands import BATCH, Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.ir.graph import Array


def concat(node: Operands) -> Made:
    """Computed tensors, and constants beside them, along any axis but the batch."""
    if not all(node.is_data(i) for i in range(len(node.proto.input))):
        return _with_constants(node)
    bare = {node.bare(i) for i in range(len(node.proto.input))} == {True}
    ranks = {len(node.own(i) if bare else node.full(i)) for i in range(len(node.proto.input))}
    axis = node.axis("axis", max(ranks))
    if axis == 0 and not bare and node.single:
        return _in_a_row(node)
    if axis == 0 and not bare:
        raise Refusal("Concat joins samples along the batch axis", "set its axis to the features")
    if len(node.proto.input) == 1:
        return "Identity", (node.proto.input[0],), {}
    return _both_classes(node, axis) or ("Concat", tuple(node.proto.input), {"axis": axis + bare})


def _in_a_row(node: Operands) -> Made:
    """Along the first axis, in a model for one sample: all its axes are the sample's."""
    node.leaves_bare = True
    names = [node.put("Reshape", (node.proto.input[i],), {"shape": node.own(i)}) for i in range(len(node.proto.input))]
    return "Concat", tuple(names), {"axis": 1}


def _with_constants(node: Operands) -> Made:
    """The computed tensors, zeros where constants are, and a sum with these: a token for the class, coordinates."""
    places = range(len(node.proto.input))
    data = [i for i in places if node.is_data(i)]
    if any(node.bare(i) for i in data):
        raise Refusal("joins constants to tensors without the batch in front", BATCH)
    axis = node.axis("axis", len(node.full(data[0])))
    if axis == 0:
        raise Refusal("Concat joins samples along the batch axis", "set its axis to the features")
    parts = [np.zeros(node.full(i)[1:], np.float32) if i in data else _of_a_sample(node, i) for i in places]
    sizes, axis = [part.shape[axis - 1] if part.ndim >= axis else 0 for part in parts], axis - 1
    if len({(part.ndim, *part.shape[:axis], *part.shape[axis + 1 :]) for part in parts}) > 1:
        raise Refusal(f"joins tensors of {[list(part.shape) for part in parts]} a sample", "mend their shapes")
    first, x = data[0], node.proto.input[data[0]]
    x = _padded(node, x, axis, parts[first].ndim, sum(sizes[:first]), 0)
    for i in places[first + 1 :]:
        if i in data:
            x = node.put("Concat", (x, node.proto.input[i]), {"axis": axis + 1})
        else:
            x = _padded(node, x, axis, parts[i].ndim, 0, sizes[i])
    return "Add", (x, node.constant_of("constants", np.concatenate(parts, axis))), {}


def _padded(node: Operands, x: str, axis: int, rank: int, before: int, after: int) -> str:
    if not before + after:
        return x
    ends = [tuple(count if at == axis else 0 for at in range(rank)) for count in (before, after)]
    return node.put("Pad", (x,), {"before": ends[0], "after": ends[1], "mode": "constant"})


def _of_a_sample(node: Operands, i: int) -> Array:
    """Constant i for one sample: what is the same for all."""
    value = node.weights(i)
    if value.ndim < 2 or len(value) not in (1, node.batch) or (value != value[:1]).any():
        reason = f"joins a constant (input {i}) of {list(value.shape)}, which is not the same for all samples"
        raise Refusal(reason, "join what does not depend on the sample")
    return np.asarray(value[0])


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
