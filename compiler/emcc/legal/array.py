"""What a model has that `emcc compress` takes and nothing runs on an array yet."""

from pathlib import Path

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.ir.graph import Graph

SHOWN = 4
INSTEAD = "emcc compress MODEL.onnx writes a smaller model that onnxruntime runs"


def not_on_the_array(graph: Graph) -> str:
    """A sentence on the operators that are not for an array yet; "" where there are none."""
    nodes = [node for node in graph.nodes if "later" in ops.traits(node.op)]
    if not nodes:
        return ""
    names = ", ".join(f"{node.op} {printable(node.name)!r}" for node in nodes[:SHOWN])
    more = f" and {len(nodes) - SHOWN} more" if len(nodes) > SHOWN else ""
    return f"`emcc compress` takes it; running on the array comes later, for {names}{more}"


def require_array(graph: Graph, file: Path) -> None:
    """Raise EmccError where a model is for `emcc compress` alone."""
    if sentence := not_on_the_array(graph):
        raise EmccError(f"cannot be compiled: {sentence}", file=file, hint=INSTEAD)
