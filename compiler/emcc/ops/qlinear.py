"""QLinear: a quantised layer, in integers.

acc = bias + sum codebook[codes[o, i]] x[i]; z = saturate((acc + half) >> shift), half = 2**shift / 2, the shift
arithmetic; y is z, max(z, 0), or a table's value at z (see ir.program.Table). Made by the quantise pass.
"""

from typing import Any

import numpy as np

from emcc.ir.graph import Array, Node
from emcc.ir.program import Table
from emcc.ops.fixed import activate
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched, elements, present

BLOCK = 1 << 24
"""Weights decoded at a time."""


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, out)."""
    x, codes, codebook, bias = batched(shapes[0]), *(present(shape) for shape in shapes[1:4])
    if len(codes) != 2 or codes[1] != elements(x) or bias != (codes[0],) or codebook != (1 << node.attrs["code_w"],):
        raise ValueError(f"x {x}, codes {codes}, codebook {codebook}, bias {bias}")
    return (None, codes[0])


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """int64 [n, out]; x is int64 within act_w bits. `xp` is not used: integers are NumPy's."""
    x, codes, codebook, bias, *tables = values
    flat = np.asarray(x, np.int64).reshape(len(x), codes.shape[1])
    attrs = node.attrs
    table = Table(attrs["lo_bits"], attrs["hi_bits"], *tables) if attrs["function"] == "table" else None
    return activate(accumulate(flat, codes, codebook, bias), attrs["shift"], attrs["act_w"], attrs["function"], table)


def accumulate(x: Array, codes: Array, codebook: Array, bias: Array) -> Array:
    """int64 [n, out]: bias + x @ codebook[codes].T, exact.

    Float64 does the work where it is exact: where sum |w| max|x| < 2**53, every partial sum, in any order, is an
    integer that a float64 holds.
    """
    n, out = len(x), codes.shape[0]
    acc = np.empty((n, out), np.int64)
    largest = max(abs(int(x.min())), abs(int(x.max()))) if x.size else 0
    floats: Array | None = None
    step = max(1, BLOCK // max(1, codes.shape[1]))
    for begin in range(0, out, step):
        rows = slice(begin, min(out, begin + step))
        weight = codebook[codes[rows]]
        bound = int(np.abs(weight).sum(axis=1).max(initial=0)) * largest
        if bound < 1 << 53:
            floats = x.astype(np.float64) if floats is None else floats
            acc[:, rows] = floats @ weight.T.astype(np.float64)
        elif bound < 1 << 62:
            acc[:, rows] = x @ weight.T
        else:
            raise OverflowError(f"accumulators of up to {bound} do not fit int64")
    return acc + bias
