"""How often activations are not zero, measured on data: what balancing weighs columns by."""

from emcc.ir.graph import Array, Graph
from emcc.ops.interpret import trace


def activity(graph: Graph, x: Array) -> list[Array]:
    """Measure how often every layer's inputs are not zero: float64 [n_in] a layer.

    Args:
        graph: a chain of QLinear.
        x: floats [n, ...], samples in the model's shape.
    """
    name = graph.inputs[0]
    fmt = graph.tensors[name].fmt
    assert fmt is not None
    values = trace(graph, fmt.quantise(x))
    return [(values[node.inputs[0]].reshape(len(x), -1) != 0).mean(axis=0) for node in graph.layers()]
