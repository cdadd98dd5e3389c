"""What the passes need to know about an activation function beyond its meaning, which is the operator's."""

import numpy as np

from emcc import ops
from emcc.ir.graph import Array, Node


def apply_function(node: Node, values: Array) -> Array:
    """The activation of float64 `values`, float64, by the operator's own meaning."""
    return np.asarray(ops.get(node.op).evaluate(np, node, values), np.float64)


SMALLEST = 2.0**-20
"""From which on |z| is tried."""


def flat_beyond(node: Node, limits: tuple[float, float], tolerance: float) -> float:
    """The |z|, a power of two, from which a function is within `tolerance` of its limits at either end."""
    ends = np.array([-1.0, 1.0]) * SMALLEST
    while (np.abs(apply_function(node, ends) - limits) > tolerance).any():
        ends *= 2
    return float(ends[1])
