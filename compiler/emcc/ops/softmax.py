"""Softmax: exp(x) / sum(exp(x)) along `axis` (opset 13's meaning; axis >= 1)."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.registry import Shape
from emcc.ops.shapes import batched


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x."""
    x = batched(shapes[0])
    if not 1 <= node.attrs["axis"] < len(x):
        raise ValueError(f"axis {node.attrs['axis']} of {x}")
    return x


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    (x,), axis = values, node.attrs["axis"]
    powers = xp.exp(x - xp.amax(x, axis=axis, keepdims=True))
    return powers / xp.sum(powers, axis=axis, keepdims=True)
