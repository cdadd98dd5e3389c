"""Concat: any number of tensors, one after the other along `axis` (>= 1)."""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """The sizes along `axis` added up; all others must be equal."""
    parts, axis = [batched(part) for part in shapes], int(node.attrs["axis"])
    first = parts[0]
    if not 1 <= axis < len(first):
        raise ValueError(f"axis {axis} of {first}")
    if any(part[:axis] != first[:axis] or part[axis + 1 :] != first[axis + 1 :] for part in parts):
        raise ValueError(f"{', '.join(map(str, parts))} along axis {axis}")
    total = sum(size for part in parts if (size := part[axis]) is not None)
    return (*first[:axis], total, *first[axis + 1 :])


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    return xp.concatenate(values, axis=node.attrs["axis"])
