"""Samples of several tensors as one array: [n, elements], the elements of each flat, side by side in the model's order.

Of a single tensor the array is that tensor itself. Every function that takes or gives samples of a model does so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

from emcc.ir.graph import Graph
from emcc.ir.program import Program

Shape = tuple[int, ...]
Ends = Mapping[str, Shape]
"""The shape of one sample of each tensor, by name, in the model's order."""


def ends(of: Graph | Program, names: Iterable[str] | None = None) -> Ends:
    """The inputs, or the tensors `names` of a graph."""
    if isinstance(of, Program):
        return {port.name: tuple(port.shape) for port in of.inputs}
    return {name: tuple(int(size or 1) for size in of.tensors[name].shape[1:]) for name in names or of.inputs}


def sample_shape(of: Ends) -> Shape:
    """The shape of a sample of them all."""
    shapes = list(of.values())
    return shapes[0] if len(shapes) == 1 else (sum(map(prod, shapes)),)


def spans(of: Ends) -> Iterator[tuple[str, slice]]:
    """Each tensor's place among the elements of a sample."""
    begin = 0
    for name, shape in of.items():
        yield name, slice(begin, begin + prod(shape))
        begin += prod(shape)


def apart(of: Ends, x: Any) -> dict[str, Any]:
    """Each tensor, [n, ...] in its shape, by name. Of a single one x as it is. x: an array of NumPy or torch."""
    if len(of) == 1:
        return dict.fromkeys(of, x)
    flat = x.reshape(len(x), -1)
    return {name: flat[:, span].reshape(len(x), *of[name]) for name, span in spans(of)}


def joined(xp: Any, values: Sequence[Any]) -> Any:
    """The inverse of `apart`, of arrays of `xp`."""
    if len(values) == 1:
        return values[0]
    return xp.concatenate([value.reshape(len(value), -1) for value in values], 1)
