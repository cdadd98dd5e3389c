"""BatchNormalization at inference: (x - mean) / sqrt(var + epsilon) * scale + bias, along axis 1."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x; scale, bias, mean and var are [x.shape[1]]."""
    x = batched(shapes[0])
    if len(x) < 2 or len(shapes) != 5 or any(other != (x[1],) for other in shapes[1:]):
        raise ValueError(f"inputs of shapes {shapes}")
    return x


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    x, scale, bias, mean, var = values
    along = (-1, *(1,) * (len(x.shape) - 2))
    factor = scale / xp.sqrt(var + node.attrs["epsilon"])
    return (x - mean.reshape(along)) * factor.reshape(along) + bias.reshape(along)
