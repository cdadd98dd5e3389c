"""What an error of a weight costs at the outputs: its input's second moment times its row's importance."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from emcc.ir.graph import Array, Graph, Node
from emcc.legal.checks import chained
from emcc.ops.interpret import run, trace
from emcc.passes.functions import apply_function
from emcc.passes.layers import linear_layers

ROWS = 256
MOST = 1 << 22
"""Weights of the largest layer that errors are weighed in."""

FLOOR = 1e-3
"""Of the mean: the least that a weight counts, so that what the samples do not use is still near."""

_STEP = 1e-4


@dataclass(frozen=True)
class Use:
    """Of a Linear layer: rows, float64 [out], the mean square of the outputs' slope by W x + b, each output over its
    variance; columns, float64 [in], the mean square of x."""

    rows: Array
    columns: Array

    def of_weights(self) -> Array:
        """float64 [out, in], of mean 1: what a squared error of each weight costs, by and by."""
        whole = np.outer(self.rows, self.columns)
        mean = float(whole.mean())
        return np.maximum(whole / mean, FLOOR) if mean > 0 else np.ones_like(whole)


def use(graph: Graph, x: Array) -> Mapping[str, Use]:
    """By weight constant, on samples x, float32 [n, ...], of which ROWS are run; nothing where the graph is no chain.

    The mean square of all outputs' slopes at once: outputs are weighed by seeded random signs, a draw a sample
    (Hutchinson 1989), and the sum's slope is carried back through the layers.
    """
    if not chained(graph):
        return {}
    count = min(ROWS, len(x))
    rows = np.asarray(x[np.arange(count) * len(x) // count], np.float64)
    values = trace(graph, rows)
    y = np.asarray(values[graph.outputs[0]]).reshape(count, -1)
    least = np.maximum(1e-6 * np.square(y).mean(axis=0), np.finfo(np.float64).tiny)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], y.shape)
    slope = signs / np.sqrt(np.maximum(y.var(axis=0), least))
    found: dict[str, Use] = {}
    for layer in reversed(list(linear_layers(graph))):
        weight = graph.constants[layer.weight].astype(np.float64)
        if layer.activation is not None:
            slope = slope * _slope(layer.activation, np.asarray(values[layer.z]).reshape(count, -1))
        into = np.asarray(values[layer.x]).reshape(count, -1)
        if weight.size <= MOST:
            found[layer.weight] = Use(np.square(slope).mean(axis=0), np.square(into).mean(axis=0))
        slope = slope @ weight
    return found


def miss(graph: Graph, x: Array) -> Callable[[Graph], float]:
    """What holds other graphs' outputs against `graph`'s on ROWS of x: squared error, as a share of the variance."""
    count = min(ROWS, len(x))
    rows = np.asarray(x[np.arange(count) * len(x) // count], np.float64)
    truth = np.asarray(run(graph, rows)).reshape(count, -1)
    least = np.maximum(1e-6 * np.square(truth).mean(axis=0), np.finfo(np.float64).tiny)
    spread = np.maximum(truth.var(axis=0), least)
    return lambda other: float((np.square(run(other, rows).reshape(count, -1) - truth) / spread).mean())


def _slope(node: Node, z: Array) -> Array:
    """The function's slope at z, by a central difference."""
    step = _STEP * max(1.0, float(np.abs(z).max(initial=0.0)))
    return (apply_function(node, z + step) - apply_function(node, z - step)) / (2 * step)
