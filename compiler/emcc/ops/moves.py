"""Operators that put a sample's elements into another shape or order, the batch in front.

Flatten (attribute axis is 1), Reshape (`shape` of a sample, all of it known), Squeeze (`axes` >= 1, sorted, each of
size 1), Unsqueeze (`axes` >= 1, sorted, counted in the output); Transpose: output axis i is input axis perm[i].
"""

from collections.abc import Callable, Mapping
from typing import Any

from emcc.ir.graph import Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched, elements


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, ...): as many elements as x."""
    return _RULES[node.op](batched(shapes[0]), node.attrs)


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    (x,) = values
    if node.op == "Transpose":
        return xp.moveaxis(x, tuple(node.attrs["perm"]), tuple(range(len(x.shape))))
    return x.reshape((len(x), *shape(node, (None, *x.shape[1:]))[1:]))


def _reshape(x: Shape, attrs: Mapping[str, Any]) -> Shape:
    if elements(x) != elements(attrs["shape"]):
        raise ValueError(f"{x} has not as many elements as {attrs['shape']}")
    return (None, *attrs["shape"])


def _squeeze(x: Shape, attrs: Mapping[str, Any]) -> Shape:
    axes = attrs["axes"]
    if any(not 1 <= axis < len(x) or x[axis] != 1 for axis in axes) or len(set(axes)) != len(axes):
        raise ValueError(f"axes {axes} of {x}")
    return tuple(size for axis, size in enumerate(x) if axis not in axes)


def _unsqueeze(x: Shape, attrs: Mapping[str, Any]) -> Shape:
    axes, rank = attrs["axes"], len(x) + len(attrs["axes"])
    if any(not 1 <= axis < rank for axis in axes) or len(set(axes)) != len(axes):
        raise ValueError(f"axes {axes} of {x}")
    sizes = iter(x)
    return tuple(1 if axis in axes else next(sizes) for axis in range(rank))


def _transpose(x: Shape, attrs: Mapping[str, Any]) -> Shape:
    perm = attrs["perm"]
    if sorted(perm) != list(range(len(x))) or perm[0] != 0:
        raise ValueError(f"perm {perm} of {x}")
    return tuple(x[axis] for axis in perm)


_RULES: Mapping[str, Callable[[Shape, Mapping[str, Any]], Shape]] = {
    "Flatten": lambda x, attrs: (None, elements(x)),
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
