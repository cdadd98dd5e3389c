"""MatMul with one constant: x W, x [n, 1 ..., K], W [K, M] or [K]; or W x, W [M, K], x [n, 1 ..., K, 1]."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched, present


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """[n, 1 ..., M], [n, 1 ...] for a vector, or [n, 1 ..., M, 1]."""
    a, b = present(shapes[0]), present(shapes[1])
    if a and a[0] is None:
        x = batched(a)
        if len(x) >= 2 and len(b) in (1, 2) and b[0] == x[-1] and all(size == 1 for size in x[1:-1]):
            return x[:-1] + b[1:]
    else:
        x = batched(b)
        if len(x) >= 3 and len(a) == 2 and a[1] == x[-2] and all(size == 1 for size in (*x[1:-2], x[-1])):
            return (*x[:-2], a[0], 1)
    raise ValueError(f"{a} times {b}")


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    return values[0] @ values[1]
