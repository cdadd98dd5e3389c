"""meProp: of the gradient of a hidden layer's sums the largest elements alone go on (Sun et al. 2017).

Of each sample top-k in size, here as a share, and the others are zero: for the layer's weights, its bias, and what is
before it. The last layer passes all, as in the paper; so does every layer that makes an output. A convolution's map
counts as one vector. The step is no cheaper for it here: torch multiplies by the zeros.
"""

import math
from collections.abc import Callable
from typing import Any

from emcc.ir.graph import LAYERS, Graph


def largest(gradient: Any, share: float) -> Any:
    """A gradient [n, ...] with the ceil(share m) largest of the m elements of each sample, and zeros."""
    flat = gradient.flatten(1)
    count = max(1, math.ceil(share * flat.shape[1]))
    if count >= flat.shape[1]:
        return gradient
    places = flat.abs().topk(count, 1).indices
    return flat.new_zeros(flat.shape).scatter(1, places, flat.gather(1, places)).reshape(gradient.shape)


def hidden_sums(graph: Graph) -> frozenset[str]:
    """What layers give that no output is made of without another layer: where gradients are cut."""
    layers = {node.name for node in graph.nodes if node.op in LAYERS}
    ends = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.name not in layers and ends & {*node.outputs}:
            ends |= {*node.inputs}
    return frozenset(name for node in graph.nodes if node.name in layers for name in node.outputs if name not in ends)


def cutting(graph: Graph, share: float) -> Callable[[str, Any], Any] | None:
    """For `interpret.trace`: makes `hidden_sums` pass their largest gradients alone; None where the share is all."""
    names = hidden_sums(graph)
    if share >= 1:
        return None

    def through(name: str, value: Any) -> Any:
        if name in names and value.requires_grad:
            value.register_hook(lambda gradient: largest(gradient, share))
        return value

    return through
