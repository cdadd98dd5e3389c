"""Operators whose output's elements are elements of the input, or zeros, by their places along each axis.

Axes are those of a sample, the first behind the batch. Slice: `counts` elements from `begins` on, `steps` apart.
Gather: the elements `indices` of axis `axis` (>= 1, with the batch as axis 0). Resize: every element `factors` times
(nearest neighbours by whole factors). Tile: the whole axis `repeats` times. Pad: `before` and `after` elements more, by
`mode`: zeros (constant), the nearest one (edge), mirrored without the border (reflect), or from the other end (wrap).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from emcc.ir.graph import Array, Node
from emcc.ops.operator import Attrs, Shape
from emcc.ops.shapes import batched

HOLE = -1
"""In the places along an axis: a zero."""

Places = list[Array | None]
"""For each axis of a sample: which element of the input each one of the output is; None where all stay."""


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, ...)."""
    x = batched(shapes[0])
    sizes = _sizes(x)
    return (None, *(size if at is None else at.size for size, at in zip(sizes, places(node, sizes), strict=True)))


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    (x,) = values
    for axis, at in enumerate(places(node, tuple(x.shape[1:])), 1):
        if at is not None:
            x = _taken(xp, x, axis, at)
    return x


def places(node: Node, sizes: tuple[int, ...]) -> Places:
    """Where each output element comes from, axis by axis. Raises ValueError where the node does not fit."""
    return _RULES[node.op](node.attrs, sizes)


def _taken(xp: Any, x: Any, axis: int, at: Array) -> Any:
    if xp is np:
        result = np.take(x, at, axis=axis)
    else:
        result = xp.index_select(x, axis, xp.as_tensor(at, device=x.device).clamp(min=0))
    if not (at == HOLE).any():
        return result
    along = (at != HOLE).reshape(-1, *(1,) * (len(x.shape) - axis - 1))
    return result * (along if xp is np else xp.as_tensor(along, device=x.device))


def _sizes(x: Shape) -> tuple[int, ...]:
    return tuple(size for size in x[1:] if size is not None)


def _per_axis(values: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[int, ...]:
    if len(values) != len(sizes):
        raise ValueError(f"{len(values)} numbers for {len(sizes)} axes")
    return values


def _slice(attrs: Attrs, sizes: tuple[int, ...]) -> Places:
    result: Places = []
    rows = (_per_axis(attrs[name], sizes) for name in ("begins", "counts", "steps"))
    for size, begin, count, step in zip(sizes, *rows, strict=True):
        last = begin + (count - 1) * step
        if not (count > 0 and 0 <= begin < size and 0 <= last < size):
            raise ValueError(f"{count} elements from {begin} on, {step} apart, of {size}")
        result.append(None if count == size and step == 1 else begin + step * np.arange(count, dtype=np.int64))
    return result


def _gather(attrs: Attrs, sizes: tuple[int, ...]) -> Places:
    axis, indices = attrs["axis"], attrs["indices"]
    if not 1 <= axis <= len(sizes) or not indices or max(indices) >= sizes[axis - 1]:
        raise ValueError(f"indices up to {max(indices, default=0)} along axis {axis} of {sizes}")
    return [np.array(indices, np.int64) if i == axis else None for i in range(1, len(sizes) + 1)]


def _resize(attrs: Attrs, sizes: tuple[int, ...]) -> Places:
    factors = _per_axis(attrs["factors"], sizes)
    if factors[0] != 1:
        raise ValueError(f"channels become {factors[0]} times as many")
    return [np.repeat(np.arange(n), factor) if factor > 1 else None for n, factor in zip(sizes, factors, strict=True)]


def _tile(attrs: Attrs, sizes: tuple[int, ...]) -> Places:
    repeats = _per_axis(attrs["repeats"], sizes)
    return [np.tile(np.arange(n), count) if count > 1 else None for n, count in zip(sizes, repeats, strict=True)]


def _pad(attrs: Attrs, sizes: tuple[int, ...]) -> Places:
    before, after, mode = _per_axis(attrs["before"], sizes), _per_axis(attrs["after"], sizes), attrs["mode"]
    result: Places = []
    for size, low, high in zip(sizes, before, after, strict=True):
        if mode == "reflect" and max(low, high) >= size:
            raise ValueError(f"{max(low, high)} elements mirrored around {size}")
        at = np.arange(-low, size + high, dtype=np.int64)
        if mode == "constant":
            at = np.where((at >= 0) & (at < size), at, HOLE)
        elif mode == "edge":
            at = np.clip(at, 0, size - 1)
        elif mode == "wrap":
            at = at % size
        else:
            at = np.abs(at)
            at = np.where(at < size, at, 2 * (size - 1) - at)
        result.append(at if low or high else None)
    return result


_RULES: Mapping[str, Callable[[Attrs, tuple[int, ...]], Places]] = {
    "Gather": _gather,
    "Pad": _pad,
    "Resize": _resize,
    "Slice": _slice,
    "Tile": _tile,
}
