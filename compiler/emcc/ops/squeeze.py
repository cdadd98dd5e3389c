"""Squeeze: drops `axes` (>= 1, sorted), each of size 1."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.registry import Shape
from emcc.ops.shapes import batched


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """x without `axes`."""
    x, axes = batched(shapes[0]), tuple(node.attrs["axes"])
    if any(not 1 <= axis < len(x) or x[axis] != 1 for axis in axes) or len(set(axes)) != len(axes):
        raise ValueError(f"axes {axes} of {x}")
    return tuple(size for axis, size in enumerate(x) if axis not in axes)


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    (x,), axes = values, tuple(node.attrs["axes"])
    return x.reshape(tuple(size for axis, size in enumerate(tuple(x.shape)) if axis not in axes))
