"""Normalizers at a model's beginning, taken off for the host to do."""

from collections.abc import Mapping
from dataclasses import replace

from emcc import ops
from emcc.ir.graph import Graph


def without_norm(graph: Graph) -> tuple[Graph, Mapping[str, str]]:
    """(the model without them, the norm that samples are divided by, by input)."""
    fronts = {node.outputs[0]: node for node in graph.nodes if "front" in ops.traits(node.op)}
    nodes = tuple(
        replace(node, inputs=tuple(fronts[name].inputs[0] if name in fronts else name for name in node.inputs))
        for node in graph.nodes
        if node.outputs[0] not in fronts
    )
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in fronts}
    norms = {node.inputs[0]: str(node.attrs["norm"]) for node in fronts.values()}
    return graph.with_(nodes=nodes, tensors=tensors), norms
