"""Gemm: alpha x B + beta C, x [n, K], B [K, M] ([M, K] with transB), C absent or broadcast to [1, M]."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched, broadcast, present


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, M)."""
    x, matrix = batched(shapes[0]), present(shapes[1])
    if node.attrs["transB"]:
        matrix = matrix[::-1]
    if len(x) != 2 or len(matrix) != 2 or x[1] != matrix[0]:
        raise ValueError(f"{x} times {matrix}")
    out = (None, matrix[1])
    if len(shapes) > 2 and shapes[2] is not None and broadcast(out, shapes[2]) != out:
        raise ValueError(f"{shapes[2]} is not broadcast to {out}")
    return out


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, M]."""
    x, matrix, *rest = values
    product = x @ (matrix.T if node.attrs["transB"] else matrix)
    if node.attrs["alpha"] != 1:
        product = product * node.attrs["alpha"]
    if rest and rest[0] is not None:
        product = product + (rest[0] if node.attrs["beta"] == 1 else rest[0] * node.attrs["beta"])
    return product
