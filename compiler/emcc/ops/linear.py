"""Linear: W x + b, x flattened row-major to [n, in], W [out, in], b [out]. Made by the fold pass."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched, elements, present


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, out)."""
    x, weight, bias = batched(shapes[0]), present(shapes[1]), present(shapes[2])
    if len(weight) != 2 or weight[1] != elements(x) or bias != (weight[0],):
        raise ValueError(f"x {x}, weight {weight}, bias {bias}")
    return (None, weight[0])


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, out]."""
    x, weight, bias = values
    return x.reshape((x.shape[0], weight.shape[1])) @ weight.T + bias
