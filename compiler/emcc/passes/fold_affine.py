"""The constants of folding: y = scale x + offset, or a matrix and a bias; and those of the layers that it makes."""

from collections.abc import Container, Mapping

import numpy as np

from emcc.base.errors import EmccError
from emcc.ir.graph import Array, Node

Constants = Mapping[str, Array]


def affine(node: Node, constants: Constants, rank: int) -> tuple[Array | None, Array | None]:
    """(scale, offset) of an elementwise node, float64; None where the scale is 1, or the offset 0.

    The arrays broadcast against one sample of x, which has `rank` axes.
    """
    if node.op == "BatchNormalization":
        scale, bias, mean, var = (constants[name].astype(np.float64) for name in node.inputs[1:])
        factor = scale / np.sqrt(var + float(node.attrs["epsilon"]))
        along = (-1, *(1,) * (rank - 1))
        return factor.reshape(along), (bias - mean * factor).reshape(along)
    first = node.inputs[0] in constants
    value = constants[node.inputs[0 if first else 1]].astype(np.float64)
    value = value[0] if value.ndim > rank else value
    match node.op:
        case "Add":
            return None, value
        case "Sub":
            return (-np.ones_like(value), value) if first else (None, -value)
        case "Mul":
            return value, None
        case "Div" if not first:
            return 1 / value, None
    raise ValueError(f"{node.op} is not affine")


def matrix(node: Node, constants: Constants) -> tuple[Array, Array]:
    """(weight [out, in], bias float64 [out]) of Gemm or MatMul; the weight is the model's own array where it can be."""
    if node.op == "MatMul":
        if node.inputs[0] in constants:
            weight = constants[node.inputs[0]]
        else:
            value = constants[node.inputs[1]]
            weight = value[None, :] if value.ndim == 1 else value.T
        return weight, np.zeros(len(weight))
    value = constants[node.inputs[1]]
    weight = value if node.attrs["transB"] else value.T
    if node.attrs["alpha"] != 1:
        weight = weight.astype(np.float64) * float(node.attrs["alpha"])
    if len(node.inputs) < 3 or not node.inputs[2]:
        return weight, np.zeros(len(weight))
    added = constants[node.inputs[2]].astype(np.float64) * float(node.attrs["beta"])
    return weight, np.broadcast_to(added, (1, len(weight)))[0].copy()


_LARGEST = float(np.finfo(np.float32).max)


def float32(node: str, weight: Array) -> Array:
    """The weight of a folded layer, rounded. Raises EmccError where it is beyond float32."""
    with np.errstate(over="ignore"):
        rounded = np.ascontiguousarray(weight, np.float32)
    require_finite(node, rounded)
    return rounded


def require_finite(node: str, value: Array) -> None:
    """Raises EmccError where an element of a folded layer's constant is not finite in float32."""
    if value.size and not max(abs(float(value.min())), abs(float(value.max()))) <= _LARGEST:
        raise EmccError(
            "its weights are beyond float32 once scales and batch normalisation are folded into them",
            node=node,
            hint="check the scales and variances around it",
        )


def unique(name: str, taken: Container[str]) -> str:
    """The name, or one like it that is not taken."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}#{number}"
    return candidate
