"""Unsqueeze: puts axes of size 1 at `axes` (>= 1, sorted, counted in the output)."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.registry import Shape
from emcc.ops.shapes import batched


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """x with a 1 at each of `axes`."""
    x, axes = batched(shapes[0]), tuple(node.attrs["axes"])
    rank = len(x) + len(axes)
    if any(not 1 <= axis < rank for axis in axes) or len(set(axes)) != len(axes):
        raise ValueError(f"axes {axes} of {x}")
    rest = iter(x)
    return tuple(1 if axis in axes else next(rest) for axis in range(rank))


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    (x,), axes = values, tuple(node.attrs["axes"])
    rest = iter(tuple(x.shape))
    return x.reshape(tuple(1 if axis in axes else next(rest) for axis in range(len(x.shape) + len(axes))))
