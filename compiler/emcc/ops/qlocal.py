"""QSum, QProduct and QAveragePool: quantised nodes in which every channel works for itself.

QSum: sum weights[i] x_i, weights +-2**k that bring all inputs to one scale; of one input it changes the format, or
applies a function. QProduct: x y. QAveragePool: sum over a window's taps, times codebook[taps that count]. What follows
the sums, and the tables that come last among the inputs, are as in QLinear.
"""

from functools import reduce
from typing import Any

import numpy as np

from emcc.ir.graph import Node
from emcc.ops import pooling
from emcc.ops.operator import Shape
from emcc.ops.qlinear import finish
from emcc.ops.shapes import batched, broadcast, present
from emcc.ops.windows import axes, pad, taps


def computed(node: Node, values: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """(the inputs before the tables, the tables)."""
    tables = 2 if node.attrs["function"] == "table" else 0
    return values[: len(values) - tables], values[len(values) - tables :]


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x and y broadcast; of a QAveragePool that of the AveragePool."""
    own, _ = computed(node, shapes)
    if node.op == "QAveragePool":
        taps, result = int(np.prod(node.attrs["kernel_shape"])), pooling.shape(node, own[0])
        if present(own[1]) != (taps + 1,):
            raise ValueError(f"codebook {own[1]} for {taps} taps")
        return result
    if node.op == "QSum" and (len(own) != len(node.attrs["weights"]) or len(set(own)) != 1):
        raise ValueError(f"{own} with {len(node.attrs['weights'])} weights")
    return batched(reduce(broadcast, own))


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """int64 [n, ...]; inputs are int64 within act_w bits. `xp` is not used: integers are NumPy's."""
    own, tables = computed(node, values)
    if node.op == "QAveragePool":
        acc = _sums(node, *own)
    elif node.op == "QSum":
        acc = sum(weight * np.asarray(x, np.int64) for weight, x in zip(node.attrs["weights"], own, strict=True))
    else:
        acc = np.asarray(own[0], np.int64) * own[1]
    return finish(node, acc, tables)


def _sums(node: Node, x: Any, codebook: Any) -> Any:
    height, width = axes(node, tuple(x.shape), tuple(node.attrs["kernel_shape"]))
    pads = (height.before, width.before, height.after + height.beyond, width.after + width.beyond)
    total = sum(taps(pad(np, np.asarray(x, np.int64), pads, 0), height, width))
    return total * codebook[pooling.counts(node, height, width)]
