"""Fold: constant arithmetic and moves of data go into the weights; layers are Linear and Conv nodes.

Requires what `frontend.load` ensures: the batch axis in front. A function that is spelt out becomes one node. A chain
of matrix products becomes a chain of Linear and activation nodes and nothing else (`fold_chain`). Any other model stays
a graph with two kinds of layers (`fold_graph`): "Linear" (x, weight float32 [out, in], bias float64 [out]), on the
flattened input, and "Conv" (x, weight float32 [out, in / group, kh, kw], bias float64 [out]). Arithmetic is float64,
rounded once. Weights that nothing scales keep their bits, and zeros stay zero; no bias is a negative zero. A Normalizer
in front becomes the norm of its input's affine.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from emcc.ir.graph import PLAIN, Array, Graph
from emcc.passes.dequantise import dequantised, is_quantised_model, spread
from emcc.passes.fold_affine import require_finite
from emcc.passes.fold_chain import fold_chain, is_chain
from emcc.passes.fold_functions import named_functions
from emcc.passes.fold_graph import fold_graph
from emcc.passes.fold_layer_norm import named_norms
from emcc.passes.norm import without_norms

CLOSE = 1e-6
"""Of a unit: how far float32 may take those of one row apart."""


@dataclass(frozen=True)
class Fold:
    """A chain of Linear and activation nodes, or a graph with Linear and Conv nodes as its layers."""

    name: ClassVar[str] = "fold"

    def apply(self, graph: Graph) -> Graph:
        """Raises EmccError where a folded weight is beyond float32."""
        graph, norms = without_norms(graph)
        if is_quantised_model(graph):
            graph = dequantised(graph)
        with np.errstate(all="ignore"):
            folded = _folded(graph)
        for node in folded.layers():
            if bias := folded.bias_of(node):
                require_finite(node.name, folded.constants[bias])
        ends = {*folded.inputs, *folded.outputs}
        affines = {name: affine for name, affine in graph.affines.items() if name in ends}
        affines |= {name: replace(affines.get(name, PLAIN), norm=norm) for name, norm in norms.items()}
        kept = folded.with_(ranges=graph.ranges, affines=affines)
        return kept.with_(ranges=spread(kept), units=_units(graph, folded)) if graph.units or graph.ranges else kept


def _folded(graph: Graph) -> Graph:
    if not is_chain(graph):
        graph = named_functions(named_norms(graph))
    return fold_chain(graph) if is_chain(graph) else fold_graph(graph)


def _units(graph: Graph, folded: Graph) -> dict[str, Array]:
    """What 1 of a folded weight's integers is worth, float64 [rows]: folding does to units what it does to weights.

    So it is folded once more, with units in the place of weights. None of a weight whose rows have no one unit.
    """
    spread_out = {
        name: np.broadcast_to(unit, graph.constants[name].shape).astype(np.float32)
        for name, unit in graph.units.items()
        if name in graph.constants
    }
    worth = _folded(graph.with_constants(spread_out))
    units: dict[str, Array] = {}
    for node in folded.layers():
        name = node.inputs[1]
        unit = worth.constants.get(name)
        if unit is None or unit.shape != folded.constants[name].shape or np.array_equal(unit, folded.constants[name]):
            continue
        by_row = unit.reshape(len(unit), -1).astype(np.float64)
        first = by_row[np.arange(len(by_row)), np.abs(by_row).argmax(axis=1)]
        if (np.abs(by_row - first[:, None]) <= CLOSE * np.abs(first)[:, None]).all():
            units[name] = first
    return units
