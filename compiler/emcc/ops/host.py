"""What is left to the host after the last layer: Softmax, LogSoftmax, ArgMax, grids; and how often a classifier is
right.

All but grids run along attribute `axis` (opset 13's meaning); ArgMax has keepdims and select_last_index (0 or 1) too.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from emcc.ir.graph import Array, Node
from emcc.ops import grid
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched

Attrs = Mapping[str, Any]
Tail = Sequence[tuple[str, Attrs]]
DEFAULTS: Mapping[str, Attrs] = {
    "ArgMax": {"axis": 0, "keepdims": 1, "select_last_index": 0},
    "LogSoftmax": {"axis": -1},
    "Softmax": {"axis": -1},
}


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x; of ArgMax without `axis` (>= 1), or with 1 in its place."""
    x, axis = batched(shapes[0]), node.attrs["axis"]
    if not 1 <= axis < len(x):
        raise ValueError(f"axis {axis} of {x}")
    return x if node.op != "ArgMax" else x[:axis] + ((1,) if node.attrs["keepdims"] else ()) + x[axis + 1 :]


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]; ArgMax gives int64."""
    (x,) = values
    return _MEANINGS[node.op](xp, node.attrs, x)


def tail_of(tail: Tail, output: int) -> Tail:
    """What of a model's tail is for an output: attribute `output` says which, 0 where there is none."""
    own = [(op, attrs) for op, attrs in tail if attrs.get("output", 0) == output]
    return [(op, {name: value for name, value in attrs.items() if name != "output"}) for op, attrs in own]


def for_output(op: str, attrs: Attrs, output: int) -> tuple[str, Attrs]:
    """An operator of the tail of an output."""
    return op, {**attrs, "output": output} if output else dict(attrs)


def apply(tail: Tail, outputs: Any, xp: Any = np) -> Any:
    """Outputs [n, ...] after the operators in `tail`, with ONNX's meaning and defaults."""
    for op, attrs in tail:
        outputs = _MEANINGS[op](xp, {**DEFAULTS.get(op, {}), **attrs}, outputs)
    return outputs


def one_class(tail: Tail, shape: Shape) -> bool:
    """Whether an ArgMax makes one class a sample of outputs [n, ...] of `shape`, and not one a pixel or step."""
    axes = [{**DEFAULTS["ArgMax"], **attrs}["axis"] % len(shape) for op, attrs in tail if op == "ArgMax"]
    return bool(axes) and all(size == 1 for axis, size in enumerate(shape) if axis and axis not in axes)


def classes(tail: Tail, outputs: Array) -> Array | None:
    """The class of each sample, int64 [n]: what ArgMax gives, or the place of the largest of a vector's elements.

    None where a sample's output is neither one integer nor a vector.
    """
    final = apply(tail, outputs)
    lengths = [length for length in final.shape[1:] if length != 1]
    if any(op == "ArgMax" for op, _ in tail):
        return None if lengths else final.reshape(len(final)).astype(np.int64)
    return final.reshape(len(final), -1).argmax(axis=1) if len(lengths) == 1 else None


def _softmax(xp: Any, attrs: Attrs, x: Any) -> Any:
    powers = xp.exp(x - xp.amax(x, axis=attrs["axis"], keepdims=True))
    return powers / xp.sum(powers, axis=attrs["axis"], keepdims=True)


def _log_softmax(xp: Any, attrs: Attrs, x: Any) -> Any:
    shifted = x - xp.amax(x, axis=attrs["axis"], keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=attrs["axis"], keepdims=True))


def _arg_max(xp: Any, attrs: Attrs, x: Any) -> Any:
    """The first of equal values, or the last where select_last_index is set."""
    axis, keep = attrs["axis"], bool(attrs["keepdims"])
    if attrs["select_last_index"]:
        return x.shape[axis] - 1 - xp.argmax(xp.flip(x, (axis,)), axis=axis, keepdims=keep)
    return xp.argmax(x, axis=axis, keepdims=keep)


_MEANINGS: Mapping[str, Callable[[Any, Attrs, Any], Any]] = {
    "ArgMax": _arg_max,
    "DequantizeLinear": grid.dequantised,
    "LogSoftmax": _log_softmax,
    "QuantizeLinear": grid.quantised,
    "Softmax": _softmax,
}
