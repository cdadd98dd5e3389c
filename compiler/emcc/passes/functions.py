"""What the passes need to know about an activation function beyond its meaning, which is the operator's."""

import numpy as np

from emcc import ops
from emcc.ir.graph import Array, Node


def apply_function(node: Node, values: Array) -> Array:
    """The activation of float64 `values`, float64, by the operator's own meaning."""
    return np.asarray(ops.get(node.op).evaluate(np, node, values), np.float64)


def flat_beyond(node: Node, width: int) -> float | None:
    """The |z|, a power of two, from which a bounded function is within half an output ulp of its limit.

    None for a function without limits. Ulps are those of `width` bits over [-1, 1).
    """
    if node.op not in ("Sigmoid", "Tanh"):
        return None
    limit = 1.0
    while abs(apply_function(node, np.array(limit)) - 1.0) > 2.0**-width:
        limit *= 2
    return limit
