"""Normalizer: every sample over its own norm (attribute norm: L1, L2 or MAX). At a model's beginning, for the host."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ir.norms import normalised
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x, a vector."""
    x = batched(shapes[0])
    if len(x) != 2:
        raise ValueError(f"{x} is no vector")
    return x


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, features]."""
    (x,) = values
    return normalised(xp, node.attrs["norm"], x)
