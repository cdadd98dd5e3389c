"""What the passes over layers share: finding them, and a user's table of settings a layer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.ir.graph import Array, Graph, Node
from emcc.passes.channelwise import scales_channels


@dataclass(frozen=True)
class Layer:
    """One Linear or Conv of a folded graph, or another node with weights, with the activation that follows it.

    Attributes:
        node: the Linear or Conv.
        weight: the name of its weight constant; bias: of its bias constant, or "".
        activation: the activation node that alone reads it, or None.
        x, z, y: names of the input, of W x + b, and of the layer's output (z where there is no activation).
    """

    node: Node
    weight: str
    bias: str
    activation: Node | None
    x: str
    z: str
    y: str


@dataclass(frozen=True)
class Producer:
    """A node that makes new numbers (it does not only move or select), with the activation that alone reads it.

    Attributes:
        node: the node; an activation that nothing before it takes along is its own.
        activation: the activation, or None.
        z, y: names of what the activation takes, and of what comes out (z where there is none).
    """

    node: Node
    activation: Node | None
    z: str
    y: str


def producers(graph: Graph) -> Iterator[Producer]:
    """The producers of a folded graph, in order."""
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    taken: set[str] = set()
    for node in graph.nodes:
        (z,) = node.outputs
        if node.name in taken or "selects" in ops.traits(node.op):
            continue
        if is_activation(node):
            yield Producer(node, node, node.inputs[0], z)
            continue
        after = readers.get(z, [])
        activation = after[0] if len(after) == 1 and is_activation(after[0]) and takes_along(graph, node) else None
        if activation is not None and z not in graph.outputs:
            taken.add(activation.name)
            yield Producer(node, activation, z, activation.outputs[0])
        else:
            yield Producer(node, None, z, z)


def is_activation(node: Node) -> bool:
    """Whether a node is a function of one tensor that the array runs from a table, or a ReLU."""
    return "activation" in ops.traits(node.op)


def takes_along(graph: Graph, node: Node) -> bool:
    """Whether a step of the array does what the node does, and can apply a function to it."""
    shapes = [graph.tensors[name].shape for name in node.inputs if name in graph.tensors]
    if node.op in ("Linear", "Conv", "AveragePool", "GlobalAveragePool"):
        return len(shapes[0]) == 4 or node.op == "Linear"
    if scales_channels(graph, node) is not None:
        return True
    if len(shapes) != len(node.inputs) or node.op not in ("Add", "Sub", "Mul"):
        return False
    result = graph.tensors[node.outputs[0]].shape
    gated = node.op == "Mul" and len(result) <= 4  # of more axes than a map has, all are one vector
    over_space = (*result[:2], *(1 for _ in result[2:]))
    return all(shape == result or (gated and shape == over_space) for shape in shapes)


def linear_layers(graph: Graph) -> Iterator[Layer]:
    """The layers of a folded graph, in order: see Graph.layers."""
    layers = {node.name for node in graph.layers()}
    for made in producers(graph):
        if made.node.name in layers:
            x, weight, *_ = made.node.inputs
            yield Layer(made.node, weight, graph.bias_of(made.node), made.activation, x, made.z, made.y)


def check_names(table: Mapping[str, Any], graph: Graph, option: str) -> None:
    """EmccError that lists the layers, where `table` (the recipe's `option`) names one that is not there."""
    names = [node.name for node in graph.layers()]
    unknown = sorted(set(table) - set(names))
    if not unknown:
        return
    details = []
    for name in unknown:
        near = get_close_matches(name, names, 1)
        details.append(f"{printable(name)!r}" + (f" (did you mean {printable(near[0])!r}?)" if near else ""))
    known = ", ".join(repr(printable(name)) for name in names)
    raise EmccError(f"{option} names layers the model does not have", details=details, hint=f"the layers are {known}")


def finite_weights(graph: Graph, layer: Layer) -> Array:
    """The layer's weights; EmccError where one is NaN or infinite."""
    weights = graph.constants[layer.weight]
    bad = weights.size - int(np.count_nonzero(np.isfinite(weights)))
    if bad:
        raise EmccError(
            f"{bad} of {weights.size} weights are NaN or infinite",
            node=layer.node.name,
            hint="train or export it again",
        )
    return weights
