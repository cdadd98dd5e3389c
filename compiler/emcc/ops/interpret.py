"""Evaluates a Graph: what its operators mean, in floats (NumPy or torch) or, after quantising, in integers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from emcc import ops
from emcc.ir.batch import apart, ends, joined
from emcc.ir.graph import INDICES, Array, Format, Graph, Node
from emcc.ir.norms import normalised

BLOCK = 1 << 24
"""Elements of the largest tensor that `run` makes at a time."""

LARGE = ("Conv", "GRU", "LSTM", "QConv")
"""Whose tensors are much larger than their input."""

EXACT: frozenset[ops.Trait] = frozenset({"quantised", "selects"})
"""Of a quantised graph: what gives integers of integers."""


def run(graph: Graph, x: Any, xp: Any = np, constants: Mapping[str, Any] | None = None) -> Any:
    """The output for a batch, shaped as the output tensor; what is in `graph.host` is not run (see ops.host).

    Several inputs come, and several outputs go, as ir.batch has them.

    Args:
        graph: float (then the arithmetic is in x's own dtype, and `graph.affines` are applied: x and the output are in
            the model's units) or quantised (then in int64).
        x: [n, ...], flat or in the input's shape. An array of `xp`.
        xp: numpy or torch.
        constants: takes precedence over graph.constants; parameters under training, say.

    Graphs with convolutions or recurrent layers are run a few samples at a time, since their tensors are much larger
    than their input.
    """
    rows = len(x)
    if any(node.op in LARGE for node in graph.nodes):
        rows = max(1, BLOCK // max(tensor.features for tensor in graph.tensors.values()))
    if rows >= len(x) or xp is not np:
        return outputs(graph, trace(graph, x, xp, constants, keep=graph.outputs), xp)
    parts = (x[begin : begin + rows] for begin in range(0, len(x), rows))
    return np.concatenate([outputs(graph, trace(graph, part, xp, constants, keep=graph.outputs), xp) for part in parts])


def outputs(graph: Graph, values: Mapping[str, Any], xp: Any = np) -> Any:
    """What leaves of the tensors that `trace` gives: of a float graph in the model's units, see ir.batch."""
    return joined(xp, [left(graph, name, values[name], xp) for name in graph.outputs])


def integers(graph: Graph, x: Array) -> Array:
    """Float samples [n, ...] as a quantised graph takes them: int64 of the input's shape; see ir.batch."""
    parts = apart(ends(graph), np.asarray(x, np.float64)).items()
    return np.asarray(
        joined(
            np,
            [
                _format(graph, name).quantise(_shaped(graph, name, _entered(graph, name, part, np)))
                for name, part in parts
            ],
        )
    )


def floats(graph: Graph, y: Array) -> Array:
    """What a quantised graph gave, in the model's units: float64 [n, ...]; see ir.batch."""
    parts = apart(ends(graph, graph.outputs), np.asarray(y)).items()
    values = [_affine(graph, name, _format(graph, name).dequantise(part), np, leave=True) for name, part in parts]
    shaped = [_shaped(graph, name, value) for name, value in zip(graph.outputs, values, strict=True)]
    return np.asarray(joined(np, shaped))


def answers(graph: Graph, x: Array) -> Array:
    """Float samples in, float64 outputs [n, ...] out: of a graph that computes in integers, through its formats."""
    if is_quantised(graph):
        return floats(graph, run(graph, integers(graph, x)))
    return np.asarray(run(graph, x), np.float64)


def trace(
    graph: Graph,
    x: Any,
    xp: Any = np,
    constants: Mapping[str, Any] | None = None,
    keep: tuple[str, ...] | None = None,
    through: Callable[[str, Any], Any] = lambda name, value: value,
) -> dict[str, Any]:
    """Every tensor's value by name (those of `keep`, where given), for a batch; arguments as for `run`.

    `through` is called with the name and value of every tensor, the inputs' too; what it gives takes the value's place.
    Values are those that nodes see: an input's after its affine, an output's before.

    `x` may also be a batch of each input by its name; several inputs in one array are as ir.batch has them. In a
    quantised graph, what is neither quantised nor selects elements runs in float64 between the formats of its tensors.
    """
    last_use = {name: i for i, node in enumerate(graph.nodes) for name in node.inputs}
    given = x if isinstance(x, Mapping) else apart(ends(graph), x)
    host = is_quantised(graph)
    if xp is np and any(graph.tensors[name].dtype in INDICES for name in given):
        given = {name: value if value.dtype.kind == "f" else value.astype(np.float64) for name, value in given.items()}
    values: dict[str, Any] = {
        name: through(name, _shaped(graph, name, value if host else _entered(graph, name, value, xp)))
        for name, value in given.items()
    }
    like = next(iter(values.values()))
    for i, node in enumerate(graph.nodes):
        arguments = [_argument(graph, name, values, xp, like, constants or {}) for name in node.inputs]
        (output,) = node.outputs
        if host and not ops.traits(node.op) & EXACT:
            values[output] = through_floats(graph, node, arguments)
        else:
            with np.errstate(all="ignore"):  # the logarithm of 0, say: what to make of that is not for here
                values[output] = ops.get(node.op).evaluate(xp, node, *arguments)
        values[output] = through(output, values[output])
        if keep is not None:
            for name in node.inputs:
                if name in values and name not in keep and last_use[name] == i:
                    del values[name]
    return {name: _shaped(graph, name, value) for name, value in values.items()}


def is_quantised(graph: Graph) -> bool:
    """Whether a graph computes in integers."""
    return any("quantised" in ops.traits(node.op) for node in graph.nodes)


def through_floats(graph: Graph, node: Node, arguments: Sequence[Any]) -> Array:
    """int64: a node of a quantised graph, by its meaning in float64, on integers in its tensors' formats."""
    formats = [graph.tensors[name].fmt if name in graph.tensors else None for name in node.inputs]
    values = [fmt.dequantise(value) if fmt else value for fmt, value in zip(formats, arguments, strict=True)]
    fmt = graph.tensors[node.outputs[0]].fmt
    assert fmt is not None
    return fmt.quantise(numbers(node, values))


def numbers(node: Node, values: Sequence[Any]) -> Array:
    """float64: what the host makes of a node between steps; 0 where that is no number (0 / 0, the root of -1)."""
    with np.errstate(all="ignore"):
        result = np.asarray(ops.get(node.op).evaluate(np, node, *values), np.float64)
    return np.nan_to_num(result, nan=0.0, posinf=np.inf, neginf=-np.inf)


def _entered(graph: Graph, name: str, x: Any, xp: Any) -> Any:
    return _affine(graph, name, x, xp, leave=False)


def left(graph: Graph, name: str, y: Any, xp: Any) -> Any:
    """The output of a float graph in the model's units."""
    return y if is_quantised(graph) else _shaped(graph, name, _affine(graph, name, y, xp, leave=True))


def _affine(graph: Graph, name: str, value: Any, xp: Any, *, leave: bool) -> Any:
    """What the host does to a tensor; of torch's by the same formulas."""
    affine = graph.affines.get(name)
    if affine is None:
        return value
    if xp is np:
        return affine.leave(value) if leave else affine.enter(value)
    scale, offset = (
        xp.as_tensor(array, dtype=value.dtype, device=value.device) for array in (affine.scale, affine.offset)
    )
    flat = value.reshape(len(value), -1)
    flat = normalised(xp, affine.norm, flat) if affine.norm else flat
    return flat * scale + offset if leave else (flat - offset) * scale


def _format(graph: Graph, name: str) -> Format:
    fmt = graph.tensors[name].fmt
    assert fmt is not None
    return fmt


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
