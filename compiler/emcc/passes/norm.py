"""Normalizers at a model's beginning, taken off for the host to do."""

from dataclasses import replace

from emcc import ops
from emcc.ir.graph import Graph


def without_norms(graph: Graph) -> tuple[Graph, dict[str, str]]:
    """(the model without them, the norm that samples of each input are divided by, where there is one)."""
    norms: dict[str, str] = {}
    renamed: dict[str, str] = {}
    nodes = []
    for node in graph.nodes:
        if "front" in ops.traits(node.op):
            norms[node.inputs[0]] = str(node.attrs["norm"])
            renamed[node.outputs[0]] = node.inputs[0]
        else:
            nodes.append(replace(node, inputs=tuple(renamed.get(name, name) for name in node.inputs)))
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in renamed}
    return (graph.with_(nodes=tuple(nodes), tensors=tensors), norms) if norms else (graph, norms)
