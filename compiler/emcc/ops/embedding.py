"""Embedding: rows of a constant table [V, E] by the integers x [n, ...], from 0 to V - 1: [n, ..., E].

Negative integers count from the table's end, as ONNX's Gather has them. The integers may come as floats, which hold all
of them exactly: a table has LARGEST rows at most.
"""

from typing import Any

import numpy as np

from emcc.ir.graph import Graph, Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched, present

LARGEST = 1 << 24
"""Rows of a table: float32 holds these integers, and no more."""


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, ..., E)."""
    x, table = batched(shapes[0]), present(shapes[1])
    if len(table) != 2 or not 1 <= int(table[0] or 0) <= LARGEST:
        raise ValueError(f"{table} is no table of up to {LARGEST} rows")
    return (*x, table[1])


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ..., E]. Raises IndexError where an integer is beyond the table."""
    x, table = values
    if xp is np:
        return table[np.asarray(x).astype(np.int64)]
    at = x.long()
    at = xp.where(at < 0, at + len(table), at)
    return table.index_select(0, at.reshape(-1)).reshape(*at.shape, table.shape[1])


def rows_read(graph: Graph, name: str) -> int | None:
    """The rows of the smallest table that input `name` picks from; None where it picks from none.

    Through nodes that only move it.
    """
    names, least = {name}, None
    for node in graph.nodes:
        if node.inputs[0] not in names:
            continue
        if node.op == "Embedding":
            rows = graph.constants[node.inputs[1]].shape[0]
            least = rows if least is None else min(least, rows)
        else:
            names.update(node.outputs)
    return least
