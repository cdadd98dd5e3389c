"""QLinear and QConv: a quantised layer, in integers.

acc = bias + sum codebook[codes[o, ...]] x[...], or codes[o, ...] x[...] where there is no codebook;
z = saturate((acc m + half) >> shift), half = 2**shift / 2, m the row's multiplier (1 where there are none), the shift
arithmetic; y is z, max(z, 0), or a table's value at z (see ir.program.Table). Inputs: x, codes (uint8; without a
codebook int8 or int16), codebook or "", bias, multiplier or "", coarse and fine where the function is a table.
A QConv has the attributes of a Conv as well. Made by the quantise pass.
"""

from typing import Any

import numpy as np

from emcc.ir.graph import Array, Graph, Node
from emcc.ir.program import Table
from emcc.ops import conv
from emcc.ops.fixed import activate
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched, elements, present
from emcc.ops.windows import axes

BLOCK = 1 << 24
"""Weights decoded at a time."""


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, out), or that of a Conv."""
    x, codes, bias, codebook = batched(shapes[0]), present(shapes[1]), present(shapes[3]), shapes[2]
    if codebook not in (None, (1 << node.attrs["code_w"],)) or (len(shapes) > 4 and shapes[4] not in (None, bias)):
        raise ValueError(f"codes {codes}, codebook {codebook}, multiplier {shapes[4:5]}")
    if node.op == "QConv":
        return conv.shape(node, x, codes, bias)
    if len(codes) != 2 or codes[1] != elements(x) or bias != (codes[0],):
        raise ValueError(f"x {x}, codes {codes}, codebook {codebook}, bias {bias}")
    return (None, codes[0])


def constants(graph: Graph, node: Node) -> tuple[Array, Array | None, Array, Array | None]:
    """Return (codes, codebook or None, bias, multiplier or None) of a QLinear or QConv."""
    codes, book, bias, multiplier = (*node.inputs, "")[1:5]
    optional = (graph.constants[name] if name else None for name in (book, multiplier))
    codebook, by = optional
    return graph.constants[codes], codebook, graph.constants[bias], by


def decoded(codes: Array, codebook: Array | None) -> Array:
    """int64: the weights."""
    return codes.astype(np.int64) if codebook is None else np.asarray(codebook[codes])


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """int64 [n, out, ...]; x is int64 within act_w bits. `xp` is not used: integers are NumPy's."""
    x, codes, codebook, bias, multiplier, *tables = (*values, None)[: max(5, len(values))]
    x = np.asarray(x, np.int64)
    if node.op == "QConv":
        acc = convolve(node, x, decoded(codes, codebook)) + bias.reshape(-1, 1, 1)
        multiplier = 1 if multiplier is None else multiplier.reshape(-1, 1, 1)
    else:
        acc = accumulate(x.reshape(len(x), codes.shape[1]), codes, codebook, bias)
    return finish(node, acc, tables, 1 if multiplier is None else multiplier)


def finish(node: Node, accumulators: Array, tables: Any, multiplier: Any = 1) -> Array:
    """Requantise, and apply the node's function."""
    attrs = node.attrs
    table = Table(attrs["lo_bits"], attrs["hi_bits"], *tables) if attrs["function"] == "table" else None
    return activate(accumulators, attrs["shift"], attrs["act_w"], attrs["function"], table, multiplier)


def accumulate(x: Array, codes: Array, codebook: Array | None, bias: Array) -> Array:
    """int64 [n, out]: bias + x @ weights.T, exact.

    Float64 does the work where it is exact: where sum |w| max|x| < 2**53, every partial sum, in any order, is an
    integer that a float64 holds.
    """
    n, out = len(x), codes.shape[0]
    acc = np.empty((n, out), np.int64)
    floats: Array | None = None
    step = max(1, BLOCK // max(1, codes.shape[1]))
    for begin in range(0, out, step):
        rows = slice(begin, min(out, begin + step))
        weight = decoded(codes[rows], codebook)
        if _in_floats(x, weight):
            floats = x.astype(np.float64) if floats is None else floats
            acc[:, rows] = floats @ weight.T.astype(np.float64)
        else:
            acc[:, rows] = x @ weight.T
    return acc + bias


def convolve(node: Node, x: Array, weight: Array) -> Array:
    """int64 [n, out, ...]: x correlated with integer weights [out, in / group, kh, kw], exact."""
    height, width = axes(node, x.shape, weight.shape[2:])
    kind = np.float64 if _in_floats(x, weight) else np.int64
    group = int(node.attrs["group"])
    return conv.correlate(x.astype(kind), weight.astype(kind), height, width, group).astype(np.int64)


def _in_floats(x: Array, weight: Array) -> bool:
    """Whether float64 is exact. OverflowError where int64 is not."""
    largest = max(abs(int(x.min())), abs(int(x.max()))) if x.size else 0
    bound = int(np.abs(weight.reshape(len(weight), -1)).sum(axis=1).max(initial=0)) * largest
    if bound >= 1 << 62:
        raise OverflowError(f"accumulators of up to {bound} do not fit int64")
    return bound < 1 << 53
