"""The nodes that the output depends on, in topological order; names that do not fit together are errors."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from pathlib import Path

import onnx

from emcc.base.errors import EmccError
from emcc.frontend.refusal import quoted

MOST = 20
"""Names listed in one error."""

MOST_NODES = 10_000
"""Nodes that the outputs of a model may depend on; its compile would take hours."""


_SPLIT = "name a tensor to stop at with --output, and compile the rest by itself"


def uses(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the tensors a node reads, those that its sub-graphs take from outside included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        graphs = [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]
        for graph in graphs:
            own = {value.name for value in (*graph.input, *graph.initializer)}
            own.update(name for inner in graph.node for name in inner.output)
            wanted = [name for inner in graph.node for name in uses(inner)] + [value.name for value in graph.output]
            yield from (name for name in wanted if name not in own)


def real_inputs(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs that are not initializers (IR version 3 lists both)."""
    initializers = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in initializers]


def ordered(graph: onnx.GraphProto, path: Path, outputs: Iterable[str] | None = None) -> list[onnx.NodeProto]:
    """Return the nodes that `outputs`, or all outputs, depend on, producers first.

    Raises EmccError where names do not fit.
    """
    if graph.sparse_initializer:
        names = [sparse.values.name for sparse in graph.sparse_initializer]
        raise _listing("stores sparse tensors, which emcc does not read", names, path, "store them dense")
    inputs = [value.name for value in real_inputs(graph)]
    defined = [*inputs, *(tensor.name for tensor in graph.initializer)]
    defined += [name for node in graph.node for name in node.output if name]
    repeated = sorted(name for name, count in Counter(defined).items() if count > 1)
    if repeated:
        raise _listing("defines a tensor more than once", repeated, path, "give every tensor a name of its own")
    producer = {name: i for i, node in enumerate(graph.node) for name in node.output if name}
    known = set(defined)
    missing = sorted({name for node in graph.node for name in uses(node)} - known)
    missing += sorted({value.name for value in graph.output} - known)
    if missing:
        hint = "they are neither inputs, initializers nor computed: export the model again"
        raise _listing("uses tensors that are not defined", missing, path, hint)
    above = [{producer[name] for name in uses(node) if name in producer} for node in graph.node]
    try:
        order = list(_first_in_file(above))
    except CycleError as error:
        names = [node_name(graph.node[i]) for i in reversed(error.args[1][1:])]
        raise _listing("has a cycle", names, path, "a model must not depend on its own output") from None
    ends = [value.name for value in graph.output] if outputs is None else outputs
    live = {producer[name] for name in ends if name in producer}
    waiting = list(live)
    while waiting:
        more = above[waiting.pop()] - live
        live |= more
        waiting += more
    return [graph.node[i] for i in order if i in live]


def _first_in_file(above: Sequence[set[int]]) -> Iterator[int]:
    """Yield nodes behind those that they need, of several that could come next the one that the file has first.

    Raises graphlib.CycleError.
    """
    sorter = TopologicalSorter(dict(enumerate(above)))
    sorter.prepare()
    ready: list[int] = []
    while sorter.is_active():
        for i in sorter.get_ready():
            heappush(ready, i)
        yield (i := heappop(ready))
        sorter.done(i)


def check_length(nodes: Sequence[onnx.NodeProto], path: Path) -> None:
    """Raise EmccError where a model is too long."""
    if len(nodes) > MOST_NODES:
        raise EmccError(f"has {len(nodes):,} nodes; emcc takes up to {MOST_NODES:,}", file=path, hint=_SPLIT)


def node_name(node: onnx.NodeProto) -> str:
    """Return the node's name, or else its first output's."""
    return str(node.name or next((name for name in node.output if name), node.op_type))


def _listing(message: str, names: Iterable[str], path: Path, hint: str) -> EmccError:
    shown = [quoted(name) for name in names]
    more = [f"and {len(shown) - MOST} more"] if len(shown) > MOST else []
    return EmccError(message, file=path, details=[*shown[:MOST], *more], hint=hint)
