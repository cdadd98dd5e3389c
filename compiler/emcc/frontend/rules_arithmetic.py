"""Rules of the operators that have weights: Gemm, MatMul, Add, Sub, Mul, Div, BatchNormalization."""

import math
from collections.abc import Sequence

import numpy as np

from emcc.frontend import legacy
from emcc.frontend.operands import BATCH, Made, Operands
from emcc.frontend.refusal import Refusal, quoted
from emcc.ir.graph import Array
from emcc.ops.operator import Shape

SAME = "give both inputs the same number of axes"


def binary(node: Operands) -> Made:
    """Add, Sub, Mul, Div of a computed tensor and a constant, either side, or of two computed ones."""
    return of_two(node, node.proto.op_type)


def of_two(node: Operands, op: str, *, truths: bool = False) -> Made:
    """`op` of inputs 0 and 1; `truths`: a constant may hold such, as 0 and 1."""
    if node.is_data(0) and node.is_data(1):
        return _joined(node, op)
    which = 1 if node.is_data(0) else 0
    value = node.truths(which) if truths else node.weights(which)
    if node.opset < legacy.BROADCASTING:
        value = _legacy(node, which, value)
    if op == "Div" and not value.all():
        index = ", ".join(str(int(axis)) for axis in np.argwhere(value == 0)[0])
        raise Refusal(f"divides by {quoted(node.proto.input[1])}, which is zero at [{index}]", "mend the divisor")
    if node.bare(1 - which):
        value = _beside_bare(node, value, len(node.own(1 - which)))
    else:
        value = one_sample(node, value, len(node.shape(1 - which)))
    names = [node.proto.input[0], node.proto.input[1]]
    names[which] = node.constant_of("truths", value) if truths else node.keep(which, value)
    if op == "Div" and which == 0:
        return "Mul", (node.put("Reciprocal", (names[1],), {}), names[0]), {}
    return op, (names[0], names[1]), {}


def _joined(node: Operands, op: str) -> Made:
    if node.opset < legacy.BROADCASTING and len(node.own(0)) != len(node.own(1)):
        raise Refusal(f"{op} before opset 7 joins tensors of {len(node.own(0))} and {len(node.own(1))} axes", SAME)
    x, y = level(node, (0, 1))
    return ("Add", (x, node.put(*negative(node, y))), {}) if op == "Sub" else (op, (x, y), {})


def level(node: Operands, which: Sequence[int]) -> list[str]:
    """The computed inputs `which`, with as many axes in the Graph: those without a batch axis in the model meet others.

    Then the model is for one sample, all its axes are the sample's, and the output is bare.
    """
    names, ranks = [node.proto.input[i] for i in which], {len(node.own(i)) for i in which}
    bare = {node.bare(i) for i in which}
    if bare == {False} or (bare == {True} and len(ranks) == 1):
        return names
    if not node.single:
        for i in which:
            node.shape(i)
    node.leaves_bare = True
    shapes = [(1,) * (max(ranks) - len(node.own(i))) + node.own(i) for i in which]
    return [node.put("Reshape", (name,), {"shape": shape}) for name, shape in zip(names, shapes, strict=True)]


def _legacy(node: Operands, which: int, value: Array) -> Array:
    """A constant of opset 6, for NumPy's rule."""
    rank = len(node.own(1 - which))
    if which:
        return legacy.aligned(value, node.attrs, rank)
    if value.ndim != rank:
        raise Refusal(f"{node.proto.op_type} before opset 7 keeps the shape of its first input, a constant", SAME)
    return value


def _beside_bare(node: Operands, value: Array, rank: int) -> Array:
    """A constant beside a bare tensor of `rank` axes; one with an axis more, of size 1, puts the batch in front."""
    node.leaves_bare = value.ndim <= rank
    if value.ndim > rank + 1 or (value.ndim > rank and len(value) != 1):
        raise Refusal(f"its constant is {list(value.shape)}, the tensor has {rank} axes", BATCH)
    return value if node.leaves_bare else value[0]


def beside(node: Operands, i: int, value: Array) -> Array:
    """Constant i beside the computed inputs, which `level` has gone through."""
    data = [at for at in range(len(node.proto.input)) if node.is_data(at)]
    rank = max(len(node.own(at)) for at in data)
    if not (node.leaves_bare or node.bare(data[0])):
        return one_sample(node, value, rank)
    if value.ndim > rank:
        raise Refusal(f"input {i} is {list(value.shape)}, the computed ones have {rank} axes", BATCH)
    return value


def negative(node: Operands, x: str) -> Made:
    """-x."""
    return "Mul", (x, node.constant_of("minus", np.full((), -1, np.float32))), {}


def one_sample(node: Operands, value: Array, rank: int) -> Array:
    """A constant that holds a row for each sample of the batch, as one row; they must be equal."""
    if value.ndim != rank or value.shape[0] != node.batch or node.batch == 1:
        return value
    if not (value == value[:1]).all():
        raise Refusal("its constant differs from sample to sample of the batch", "give it the shape of one sample")
    return value[:1]


def gemm(node: Operands) -> Made:
    """A computed, B constant, C constant or absent."""
    if not node.is_data(0) or (node.is_data(1) and node.is_data(0)):
        both = node.is_data(0) and node.is_data(1)
        reason = "both matrices are computed" if both else "the first matrix is constant, the second computed"
        raise Refusal(reason, "the computed tensor must be input A, with the batch as its rows; B the weights")
    if node.is_data(2):
        raise Refusal("input C is computed from the model's input", "add it by a node of its own")
    if node.attrs["transA"]:
        raise Refusal("transA=1 transposes the batch axis", "export it with transA=0")
    alpha, beta = node.number("alpha"), node.number("beta")
    inputs = [node.proto.input[0], node.keep(1, node.weights(1, 2))]
    if node.given(2):
        added = node.weights(2)
        added = legacy.aligned(added, {"broadcast": node.attrs["broadcast"]}, 2) if "broadcast" in node.attrs else added
        inputs.append(node.keep(2, one_sample(node, added, 2)))
    if node.rows or node.bare():
        return _rows_of_gemm(node, alpha, beta)
    node.shape()
    return "Gemm", tuple(inputs), {"alpha": alpha, "beta": beta, "transA": 0, "transB": int(bool(node.attrs["transB"]))}


def matmul(node: Operands) -> Made:
    """One side computed, the other a constant matrix; or any two by NumPy's rule, which no layer does."""
    if node.is_data(0) and node.is_data(1):
        # Two stacks without a batch axis are stacks of the one sample where they have as many axes.
        bare = node.bare(0) and node.bare(1) and len(node.shape(0, bare=True)) == len(node.shape(1, bare=True)) > 2
        node.shape(0, bare), node.shape(1, bare)
        return "BatchMatMul", (node.proto.input[0], node.proto.input[1]), {}
    which = 1 if node.is_data(0) else 0
    value = node.weights(which)
    shape, bare = node.shape(1 - which, bare=True), node.bare(1 - which)
    node.leaves_bare = bare
    if bare and which == 0 and len(shape) == 2 and value.ndim == 2:
        return "Gemm", (node.proto.input[1], node.keep(0, value)), {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}
    many = [size for size in (shape[1:-1] if which else (*shape[1:-2], *shape[-1:])) if size != 1]
    names = [node.proto.input[0], node.proto.input[1]]
    if not many and value.ndim <= 2:
        names[which] = node.keep(which, value)
        return "MatMul", (names[0], names[1]), {}
    if which and value.ndim == 2 and 3 <= len(shape) <= 4:
        return _rows(node, value)
    if bare or value.ndim < 2:
        raise Refusal(
            f"multiplies every row of a {list(shape[1:])} sample by the same matrix", _blocks(which, shape, bare)
        )
    names[which] = node.keep(which, one_sample(node, value, max(value.ndim, len(shape))))
    return "BatchMatMul", (names[0], names[1]), {}


def _rows_of_gemm(node: Operands, alpha: float, beta: float) -> Made:
    """A Gemm of several rows a sample: a product of all of them, and a sum."""
    matrix = node.weights(1, 2).T if node.attrs["transB"] else node.weights(1, 2)
    made = _rows(node, matrix if alpha == 1 else np.asarray(matrix * np.float32(alpha)))
    if not node.given(2):
        return made
    added = node.weights(2) if beta == 1 else np.asarray(node.weights(2) * np.float32(beta))
    return "Add", (node.put(*made), node.named("bias", added.reshape(-1))), {}


def _rows(node: Operands, matrix: Array) -> Made:
    """Every row of a sample by the same matrix."""
    return rows_by(node, node.proto.input[0], node.keep(1, as_kernel(matrix)), len(matrix))


def as_kernel(matrix: Array) -> Array:
    """A matrix as the weight of a convolution over rows as positions."""
    return np.ascontiguousarray(matrix.T)[:, :, None, None]


def rows_by(node: Operands, x: str, weight: str, inner: int) -> Made:
    """Every row of tensor `x`, which stands for input 0, by a matrix of `inner` rows that is kept `as_kernel`."""
    shape = node.shape(bare=True)
    if shape[-1] != inner:
        raise Refusal(f"multiplies rows of {shape[-1]} elements by a matrix of {inner} rows", "mend the matrix")
    x = x if len(shape) == 4 else node.put("Unsqueeze", (x,), {"axes": (1,)})
    attrs = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0), "group": 1}
    y = node.put("Conv", (node.put("Transpose", (x,), {"perm": (0, 3, 1, 2)}), weight), attrs)
    made: Made = ("Transpose", (y,), {"perm": (0, 2, 3, 1)})
    return made if len(shape) == 4 else ("Squeeze", (node.put(*made),), {"axes": (1,)})


def _blocks(which: int, shape: Shape, bare: bool) -> str:
    """The one matrix for the whole sample: W once a row, or once a column where W stands in front."""
    sizes = [int(size or 1) for size in shape[1:]]
    rows, columns = math.prod(sizes[:-1] if which else sizes[:-2]), 1 if which else sizes[-1]
    block = f"numpy.kron(W, numpy.eye({columns}))" if columns > 1 else "W"
    whole = f"numpy.kron(numpy.eye({rows}), {block})" if rows > 1 else block
    side = "multiply by" if which else "let a Gemm (transB=1) take"
    flatten = "Flatten with axis=0" if bare else "Flatten"
    return f"put a {flatten} in front of it and a Reshape behind it, and {side} {whole}"


def batch_normalization(node: Operands) -> Made:
    """At inference."""
    hint = "export the model for inference: model.eval() before torch.onnx.export"
    legacy.for_inference(node.attrs, node.opset, "BatchNormalization")
    if node.attrs.get("training_mode", 0) or any(node.proto.output[1:]):
        raise Refusal("BatchNormalization is in training mode", hint)
    if node.attrs.get("spatial", 1) != 1:
        raise Refusal("BatchNormalization with spatial=0 is not supported", "export with opset 9 or newer")
    epsilon = node.number("epsilon")
    values = [node.weights(i, 1) for i in range(1, 5)]
    if (values[3].astype(np.float64) + epsilon <= 0).any():
        index = int(np.argmin(values[3]))
        raise Refusal(f"the variance at [{index}] is {values[3][index]}: it has no square root", "train again")
    node.shape()
    names = [node.keep(i, value) for i, value in enumerate(values, 1)]
    return "BatchNormalization", (node.proto.input[0], *names), {"epsilon": epsilon}
