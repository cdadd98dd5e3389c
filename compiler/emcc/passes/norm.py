"""A Normalizer at a model's beginning, taken off for the host to do."""

from dataclasses import replace

from emcc import ops
from emcc.ir.graph import Graph


def without_norm(graph: Graph) -> tuple[Graph, str]:
    """(the model without it, the norm that samples are divided by); (graph, "") where it has none."""
    fronts = [node for node in graph.nodes if "front" in ops.traits(node.op)]
    if not fronts:
        return graph, ""
    (front,) = fronts
    source, output = front.inputs[0], front.outputs[0]
    nodes = tuple(
        replace(node, inputs=tuple(source if name == output else name for name in node.inputs))
        for node in graph.nodes
        if node is not front
    )
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name != output}
    return graph.with_(nodes=nodes, tensors=tensors), str(front.attrs["norm"])
