"""ArgMax: the index of the largest along `axis` (>= 1); attributes keepdims and select_last_index (0 or 1)."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.registry import Shape
from emcc.ops.shapes import batched


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x, without `axis` or with 1 in its place."""
    x, axis = batched(shapes[0]), node.attrs["axis"]
    if not 1 <= axis < len(x):
        raise ValueError(f"axis {axis} of {x}")
    return x[:axis] + ((1,) if node.attrs["keepdims"] else ()) + x[axis + 1 :]


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """int64 [n, ...]; the first of equal values, or the last where select_last_index is set."""
    (x,), axis = values, node.attrs["axis"]
    keep = bool(node.attrs["keepdims"])
    if node.attrs["select_last_index"]:
        return x.shape[axis] - 1 - xp.argmax(xp.flip(x, (axis,)), axis=axis, keepdims=keep)
    return xp.argmax(x, axis=axis, keepdims=keep)
