"""Shift: x + weight, x [n, ...], weight in the shape of a sample or of its last axes. Made by the fold pass."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched, broadcast, present


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x."""
    x, weight = batched(shapes[0]), present(shapes[1])
    if len(weight) < 2 or len(weight) >= len(x) or broadcast(x, weight) != x:
        raise ValueError(f"x {x}, weight {weight}")
    return x


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    return values[0] + values[1]
