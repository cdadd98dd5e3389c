"""Reductions over `axes` (>= 1, sorted), which stay, of size 1, with keepdims; and TopK along `axis`."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from emcc.ir.graph import Node
from emcc.ops.functions import root
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched

Reduction = Callable[[Any, Any, tuple[int, ...], bool], Any]


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x without the axes, or with 1 in their places; of TopK `k` along the axis."""
    x = batched(shapes[0])
    if node.op == "TopK":
        axis, k = node.attrs["axis"], node.attrs["k"]
        if not 1 <= axis < len(x) or k > (x[axis] or 0):
            raise ValueError(f"the largest {k} along axis {axis} of {x}")
        return (*x[:axis], k, *x[axis + 1 :])
    axes = node.attrs["axes"]
    if not axes or any(not 1 <= axis < len(x) for axis in axes) or len(set(axes)) != len(axes):
        raise ValueError(f"axes {axes} of {x}")
    if node.attrs["keepdims"]:
        return tuple(1 if axis in axes else size for axis, size in enumerate(x))
    return tuple(size for axis, size in enumerate(x) if axis not in axes)


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]; TopK's indices are int64."""
    (x,) = values
    if node.op == "TopK":
        return _top(xp, node, x)
    return _MEANINGS[node.op](xp, x, tuple(node.attrs["axes"]), bool(node.attrs["keepdims"]))


def _top(xp: Any, node: Node, x: Any) -> Any:
    """The largest or smallest elements in order, the first of equal ones first; or their indices."""
    axis, k = node.attrs["axis"], node.attrs["k"]
    key = -x if node.attrs["largest"] else x
    if xp is not np:
        order = xp.argsort(key, dim=axis, stable=True).narrow(axis, 0, k)
        return order if node.attrs["indices"] else xp.gather(x, axis, order)
    order = np.take(np.argsort(key, axis=axis, kind="stable"), np.arange(k), axis=axis)
    return order if node.attrs["indices"] else np.take_along_axis(x, order, axis=axis)


def _sum(xp: Any, x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    return xp.sum(x, axis=axes, keepdims=keep)


def _product(xp: Any, x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    for axis in sorted(axes, reverse=True):
        x = xp.prod(x, axis=axis, keepdims=keep)
    return x


def _log_sum_exp(xp: Any, x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    top = xp.amax(x, axis=axes, keepdims=True)
    total = xp.log(xp.sum(xp.exp(x - top), axis=axes, keepdims=True)) + top
    return total if keep else total.reshape([size for i, size in enumerate(total.shape) if i not in axes])


_MEANINGS: Mapping[str, Reduction] = {
    "ReduceL1": lambda xp, x, axes, keep: _sum(xp, xp.abs(x), axes, keep),
    "ReduceL2": lambda xp, x, axes, keep: root(xp, _sum(xp, x * x, axes, keep)),
    "ReduceLogSum": lambda xp, x, axes, keep: xp.log(_sum(xp, x, axes, keep)),
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceMax": lambda xp, x, axes, keep: xp.amax(x, axis=axes, keepdims=keep),
    "ReduceMean": lambda xp, x, axes, keep: xp.mean(x, axis=axes, keepdims=keep),
    "ReduceMin": lambda xp, x, axes, keep: xp.amin(x, axis=axes, keepdims=keep),
    "ReduceProd": _product,
    "ReduceSum": _sum,
    "ReduceSumSquare": lambda xp, x, axes, keep: _sum(xp, x * x, axes, keep),
}
REDUCTIONS = tuple(_MEANINGS)
