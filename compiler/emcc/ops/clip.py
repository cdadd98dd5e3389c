"""Clip: x, no less than `low` and no more than `high`."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.registry import Shape
from emcc.ops.shapes import batched


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x."""
    return batched(shapes[0])


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    return xp.clip(values[0], node.attrs["low"], node.attrs["high"])
