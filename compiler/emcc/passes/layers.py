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


@dataclass(frozen=True)
class Layer:
    """One Linear or Conv of a folded graph, with the activation that follows it.

    Attributes:
        node: the Linear or Conv.
        weight: the name of its weight constant; bias: of its bias constant.
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


def linear_layers(graph: Graph) -> Iterator[Layer]:
    """The layers of a folded graph, in order: Linear and Conv nodes."""
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    for node in graph.layers():
        x, weight, bias = node.inputs
        (z,) = node.outputs
        after = readers.get(z, [])
        activation = after[0] if len(after) == 1 and "activation" in ops.traits(after[0].op) else None
        yield Layer(node, weight, bias, activation, x, z, activation.outputs[0] if activation else z)


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
