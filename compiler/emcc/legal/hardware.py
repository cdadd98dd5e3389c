"""Which operators of an imported graph the array has no hardware for yet."""

from collections.abc import Iterable
from pathlib import Path

from emcc.base.errors import EmccError, printable
from emcc.ir.graph import Graph

LATER = {
    "AveragePool": "pooling",
    "Clip": "clipping",
    "Concat": "joining branches",
    "Conv": "convolution",
    "GlobalAveragePool": "pooling",
    "MaxPool": "pooling",
}
JOIN = "joining branches"


def missing(op: str, computed: int) -> str:
    """What a node that reads so many computed tensors needs and the array has not, or ""."""
    return LATER.get(op, JOIN if computed > 1 else "")


def hint(wanted: Iterable[str]) -> str:
    """What to do about it."""
    needed = set(wanted)
    what = [each for each in ("convolution", "pooling", JOIN, "clipping") if each in needed]
    text = " and ".join([", ".join(what[:-1]), what[-1]] if len(what) > 1 else what)
    verb = "runs" if len(what) == 1 else "run"
    return f"{text} {verb} on the array in a later version; `emcc compress` works on this model now"


def require_hardware(graph: Graph, file: Path) -> None:
    """EmccError that lists every node of a graph, as loaded, that --target eie cannot compile yet."""
    found = []
    for node in graph.nodes:
        wanted = missing(node.op, sum(name in graph.tensors for name in node.inputs))
        if wanted:
            found.append((node, wanted))
    if not found:
        return
    some = f"{len(found)} of its {len(graph.nodes)} nodes" if len(graph.nodes) > 1 else "its node"
    raise EmccError(
        f"--target eie has no hardware yet for {some}",
        file=file,
        details=[f"{printable(node.name)!r} ({node.op}): {wanted}" for node, wanted in found],
        hint=hint(wanted for _, wanted in found),
    )
