"""The sensitivity scan: how much a layer's weights matter, measured on held-out data."""

from typing import Any

import numpy as np

from emcc.compress.importance.ranking import threshold, without_smallest
from emcc.compress.problem import Problem
from emcc.compress.state import State, graph_of

SPARSITIES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)


def scan(problem: Problem, state: State) -> list[dict[str, Any]]:
    """Prune a layer at a time, the others not, without training; a row a layer and sparsity.

    `curvature` of a layer is the median over the sparsities of the rise of the held-out loss per sum of squares of
    the removed weights: how much a squared unit of that layer matters.
    """
    whole = graph_of(problem.network, state)
    loss, quality = problem.judge(whole)
    rows = []
    for node in problem.network.layers():
        name = node.inputs[1]
        weights = state.weights[name]
        energy = float(np.square(weights, dtype=np.float64).sum())
        curvatures, points = [], []
        for sparsity in SPARSITIES:
            fewer = without_smallest(weights, *threshold(weights, round(weights.size * sparsity)))
            worse_loss, worse = problem.judge(whole.with_constants({name: fewer}))
            removed = energy - float(np.square(fewer, dtype=np.float64).sum())
            points.append({"sparsity": sparsity, "loss": worse_loss - loss, "quality": worse - quality})
            curvatures.append(max(worse_loss - loss, 0.0) / removed if removed > 0 else 0.0)
        rows.append({"layer": node.name, "weight": name, "curvature": float(np.median(curvatures)), "points": points})
    return rows
