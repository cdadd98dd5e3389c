"""BatchMatMul: ONNX's MatMul of two computed tensors, or of one and a stack of constants, by NumPy's rule."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import broadcast, present


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """[n, ..., rows of a, columns of b]."""
    a, b = present(shapes[0]), present(shapes[1])
    if min(len(a), len(b)) < 2 or max(len(a), len(b)) < 3 or a[-1] != b[-2] or None in (a[-1], a[-2], b[-1]):
        raise ValueError(f"{a} times {b}")
    return (*broadcast(a[:-2], b[:-2]), a[-2], b[-1])


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    return values[0] @ values[1]
