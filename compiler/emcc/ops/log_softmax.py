"""LogSoftmax: x - log(sum(exp(x))) along `axis` (opset 13's meaning; axis >= 1)."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.registry import Shape
from emcc.ops.softmax import shape as softmax_shape


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x."""
    return softmax_shape(node, *shapes)


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    (x,), axis = values, node.attrs["axis"]
    shifted = x - xp.amax(x, axis=axis, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))
