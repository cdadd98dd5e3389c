"""Reshape: attribute `shape` is the shape of a sample, all of it known; the batch axis stays in front."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.registry import Shape
from emcc.ops.shapes import batched, elements


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, *shape)."""
    x, target = batched(shapes[0]), tuple(node.attrs["shape"])
    if elements(x) != elements(target):
        raise ValueError(f"{x} has not as many elements as {target}")
    return (None, *target)


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, *shape]."""
    (x,) = values
    return x.reshape((x.shape[0], *node.attrs["shape"]))
