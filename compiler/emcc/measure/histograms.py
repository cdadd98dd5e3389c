"""How a layer's weights lie before and after compression, counted in bins."""

from typing import Any

import numpy as np

from emcc.ir.graph import Array, Graph

BINS = 41
"""An odd number, so that one bin has zero in its middle."""


def histograms(before: Graph, after: Graph) -> list[dict[str, Any]]:
    """Return a row a layer of `after` that `before` has too, by its name: see `counted`."""
    held = {node.name: before.constants[node.inputs[1]] for node in before.layers()}
    return [
        {"name": node.name, **counted(held[node.name], after.constants[node.inputs[1]])}
        for node in after.layers()
        if node.name in held
    ]


def counted(before: Array, after: Array) -> dict[str, Any]:
    """Return counts of weights in BINS bins of one width, from -reach to reach.

    reach: the largest size of either. before, after: counts of what is not zero; zeros, zeros_before: of what is.
    """
    reach = max(float(np.abs(array).max(initial=0.0)) for array in (before, after)) or 1.0
    sides = [array[array != 0].astype(np.float64) for array in (before, after)]
    counts = [np.histogram(side, BINS, (-reach, reach))[0].tolist() for side in sides]
    return {
        "reach": reach,
        "before": counts[0],
        "after": counts[1],
        "zeros_before": before.size - sides[0].size,
        "zeros": after.size - sides[1].size,
    }
