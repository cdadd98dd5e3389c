"""GlobalAveragePool: each channel's mean over all spatial axes, which stay, of size 1."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, C, 1 ...)."""
    x = batched(shapes[0])
    if len(x) < 3:
        raise ValueError(f"{x} has no spatial axes")
    return (*x[:2], *(1,) * (len(x) - 2))


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, C, 1 ...]."""
    (x,) = values
    return xp.mean(x, axis=tuple(range(2, len(x.shape))), keepdims=True)
