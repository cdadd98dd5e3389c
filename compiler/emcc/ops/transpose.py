"""Transpose: output axis i is input axis perm[i]; perm[0] is 0, the batch."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.registry import Shape
from emcc.ops.shapes import batched


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """The axes of x, permuted."""
    x, perm = batched(shapes[0]), tuple(node.attrs["perm"])
    if sorted(perm) != list(range(len(x))) or perm[0] != 0:
        raise ValueError(f"perm {perm} of {x}")
    return tuple(x[axis] for axis in perm)


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    perm = tuple(node.attrs["perm"])
    return xp.moveaxis(values[0], perm, tuple(range(len(perm))))
