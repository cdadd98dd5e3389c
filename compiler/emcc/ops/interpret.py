"""Evaluates a Graph: what its operators mean, in floats (NumPy or torch) or, after quantising, in integers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emcc import ops
from emcc.ir.graph import Graph

BLOCK = 1 << 24
"""Elements of the largest tensor that `run` makes at a time."""


def run(graph: Graph, x: Any, xp: Any = np, constants: Mapping[str, Any] | None = None) -> Any:
    """The output for a batch, shaped as the output tensor; what is in `graph.host` is not run (see ops.host).

    Args:
        graph: float (then the arithmetic is in x's own dtype) or quantised (then in int64).
        x: [n, ...], flat or in the input's shape. An array of `xp`.
        xp: numpy or torch.
        constants: takes precedence over graph.constants; parameters under training, say.

    Graphs with convolutions are run a few samples at a time, since their tensors are much larger than their input.
    """
    (output,) = graph.outputs
    rows = len(x)
    if any(node.op == "Conv" for node in graph.nodes):
        rows = max(1, BLOCK // max(tensor.features for tensor in graph.tensors.values()))
    if rows >= len(x) or xp is not np:
        return trace(graph, x, xp, constants, keep=graph.outputs)[output]
    parts = (x[begin : begin + rows] for begin in range(0, len(x), rows))
    return np.concatenate([trace(graph, part, xp, constants, keep=graph.outputs)[output] for part in parts])


def trace(
    graph: Graph,
    x: Any,
    xp: Any = np,
    constants: Mapping[str, Any] | None = None,
    keep: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """Every tensor's value by name (those of `keep`, where given), for a batch; arguments as for `run`."""
    last_use = {name: i for i, node in enumerate(graph.nodes) for name in node.inputs}
    values: dict[str, Any] = {graph.inputs[0]: _shaped(graph, graph.inputs[0], x)}
    for i, node in enumerate(graph.nodes):
        arguments = [_argument(graph, name, values, xp, x, constants or {}) for name in node.inputs]
        (output,) = node.outputs
        values[output] = ops.get(node.op).evaluate(xp, node, *arguments)
        if keep is not None:
            for name in node.inputs:
                if name in values and name not in keep and last_use[name] == i:
                    del values[name]
    return {name: _shaped(graph, name, value) for name, value in values.items()}


def _shaped(graph: Graph, name: str, value: Any) -> Any:
    return value.reshape((len(value), *graph.tensors[name].shape[1:]))


def _argument(graph: Graph, name: str, values: dict[str, Any], xp: Any, x: Any, constants: Mapping[str, Any]) -> Any:
    """A node's input: a computed value, a constant in x's dtype where both are floats, or None where absent."""
    if not name:
        return None
    if name in values:
        return values[name]
    if name in constants:
        return constants[name]
    value = graph.constants[name]
    if xp is not np:
        return xp.as_tensor(np.array(value), dtype=x.dtype, device=x.device)
    if value.dtype.kind == "f" and x.dtype.kind == "f":
        return value.astype(x.dtype, copy=False)
    return value
