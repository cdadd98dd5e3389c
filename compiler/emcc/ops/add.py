"""Add: x + y, broadcast; one of the two may be a constant."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.registry import Shape
from emcc.ops.shapes import broadcast


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """Both, broadcast."""
    return broadcast(shapes[0], shapes[1])


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    return values[0] + values[1]
