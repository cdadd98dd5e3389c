"""Flatten: [n, ...] to [n, features], row-major (attribute axis is 1)."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.registry import Shape
from emcc.ops.shapes import batched, elements


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, features)."""
    return (None, elements(batched(shapes[0])))


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, features]."""
    (x,) = values
    return x.reshape((x.shape[0], elements(tuple(x.shape)[1:])))
