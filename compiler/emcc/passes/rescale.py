"""Scales moved between the host and a folded graph's layers, the function of the whole left as it is."""

import numpy as np

from emcc.ir.affine import compact
from emcc.ir.graph import PLAIN, Affine, Array, Graph
from emcc.passes.fold_affine import float32
from emcc.passes.layers import Layer, linear_layers


def first_layers(graph: Graph) -> list[Layer]:
    """The Linear layers that read the one input; none where something else reads it too, or no layer does."""
    if len(graph.inputs) != 1:
        return []
    (source,) = graph.inputs
    readers = [node for node in graph.nodes if source in node.inputs]
    layers = [layer for layer in linear_layers(graph) if layer.x == source and layer.node.op == "Linear"]
    return layers if len(layers) == len(readers) else []


def last_layer(graph: Graph) -> Layer | None:
    """The Linear layer that gives the one output without a function behind it; None where there is none."""
    if len(graph.outputs) != 1:
        return None
    (sink,) = graph.outputs
    read = any(sink in node.inputs for node in graph.nodes)
    layers = [layer for layer in linear_layers(graph) if layer.y == sink and not layer.activation]
    return layers[0] if len(layers) == 1 and layers[0].node.op == "Linear" and not read else None


def enters(graph: Graph, inner: Affine) -> Graph:
    """The input goes through `inner` behind its affine so far; the first layers undo it.

    With x' = (x - o) s: W x + b = (W / s) x' + (b + W o). Raises EmccError where a weight is beyond float32.
    """
    changes: dict[str, Array] = {}
    for layer in first_layers(graph):
        weight = graph.constants[layer.weight].astype(np.float64)
        bias = graph.constants[layer.bias].astype(np.float64)
        offset = np.broadcast_to(inner.offset, weight.shape[1:])
        if inner.offset.any():
            changes[layer.bias] = bias + weight @ offset
        if (inner.scale != 1).any():
            changes[layer.weight] = float32(layer.node.name, weight / inner.scale)
    (source,) = graph.inputs
    outer = graph.affines.get(source, PLAIN)
    # (x - o) s, then (x' - p) t: offset o + p / s, scale s t.
    elements = graph.tensors[source].features
    scale, offset = (np.broadcast_to(part, elements) for part in (outer.scale, outer.offset))
    joined = compact(scale * inner.scale, offset + inner.offset / scale, outer.norm)
    return graph.with_constants(changes).with_(affines={**graph.affines, source: joined})


def leaves(graph: Graph, affine: Affine) -> Graph:
    """The output y comes out as y' scale + offset of what the last layer gives; the last layer undoes it.

    Raises EmccError where a weight is beyond float32.
    """
    layer = last_layer(graph)
    (sink,) = graph.outputs
    if layer is None or sink in graph.affines:
        raise ValueError("no layer can undo an output's scale")
    bias = (graph.constants[layer.bias].astype(np.float64) - affine.offset) / affine.scale
    changes: dict[str, Array] = {layer.bias: bias + 0.0}
    if (affine.scale != 1).any():
        weight = graph.constants[layer.weight].astype(np.float64) / affine.scale[:, None]
        changes[layer.weight] = float32(layer.node.name, weight)
    return graph.with_constants(changes).with_(affines={**graph.affines, sink: affine})


def between(graph: Graph, first: Layer, second: Layer, scale: Array) -> Graph:
    """What `first` gives, [rows], is divided by `scale` (> 0), and `second` multiplies its columns by it.

    Right where what lies between is positive homogeneous: f(a x) = a f(x) for a > 0.
    """
    along = scale.reshape(-1, *(1,) * (graph.constants[first.weight].ndim - 1))
    changes = {
        first.weight: float32(first.node.name, graph.constants[first.weight].astype(np.float64) / along),
        first.bias: graph.constants[first.bias].astype(np.float64) / scale,
        second.weight: float32(second.node.name, graph.constants[second.weight].astype(np.float64) * scale),
    }
    return graph.with_constants(changes)
