"""How often activations are not zero, measured on data: what balancing weighs columns by."""

from collections.abc import Mapping

from emcc.ir.graph import Array, Graph
from emcc.ops.interpret import integers, trace


def activity(graph: Graph, x: Array) -> Mapping[str, Array]:
    """Measure how often a layer's inputs are not zero, over samples and positions, by the tensor's name.

    float64 [features] of what a QLinear reads, [channels] of what a QConv reads.

    Args:
        graph: quantised, of one input.
        x: floats [n, ...], samples in the model's shape.
    """
    read = {node.inputs[0]: node.op for node in graph.layers()}
    values = trace(graph, integers(graph, x), keep=tuple(read))
    shares = {name: (values[name] != 0).reshape(len(x), *values[name].shape[1:]) for name in read}
    return {
        name: share.reshape(len(x), -1).mean(axis=0) if read[name] == "QLinear" else share.mean(axis=(0, 2, 3))
        for name, share in shares.items()
    }
