"""Share: each layer's weights become codes into a small codebook, by k-means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from emcc.base.options import option
from emcc.compress.clusters.codebook import cluster, entropy, priced
from emcc.compress.clusters.integers import of_units
from emcc.compress.clusters.lloyd import INITS
from emcc.compress.importance.use import Use, miss, use
from emcc.compress.method import Assigner, Costs, Setting
from emcc.compress.parameters import Codes, Entries
from emcc.compress.state import State
from emcc.ir.codebook import CODE_WIDTHS, looked_up
from emcc.ir.graph import Array, Codebook, Graph
from emcc.passes.layers import Layer, check_names, finite_weights, linear_layers

ENTRIES = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 31, 63, 127, 255)
ENTRY_BITS = 16
NEGLIGIBLE = 1e-4
"""Share of the outputs' variance: with a smaller error, errors need no weighing."""


@dataclass(frozen=True)
class Share:
    """K-means weight sharing, a codebook a layer: sets `codebooks`, and the constants to the decoded weights.

    Zero weights stay exactly zero. A layer with no more distinct values than entries keeps its weights exactly.

    With samples `data`, float32 [n, ...], a weight's squared error may count as much as it costs at the outputs: the
    second moment of its input times its row's importance (`importance.use`). Codebooks are made with and without, and
    those with the less error at the outputs are taken.

    If `wide`, weights that are integers times a unit (see Graph.units) keep these integers, and a layer of more than
    256 distinct weights has codes of 16 bits that are the weights, to the nearest.
    """

    bits: int = option(
        4, "bits of a code; 0: the fewest that keep every weight exactly, at most 8", choices=(0, 1, 2, 4, 8)
    )
    kept_bits: int = option(
        0,
        "the same, with --keep-weights; 0 takes 16 where there are more than 256 distinct weights",
        choices=(0, *CODE_WIDTHS, 16),
    )
    init: str = option("optimal", "where the clusters begin; optimal: at the least error there is", choices=INITS)
    max_iter: int = option(1000, "iterations of k-means at most", low=0, high=100_000)
    seed: int = option(0, 'seed of init = "random"', low=0)
    weigh: bool = option(
        True, "weigh errors by what they cost at the outputs, on the data, where that makes them better"
    )
    layers: Mapping[str, int] = option({}, "bits of one layer, by its name", choices=(0, 1, 2, 4, 8))
    data: Array | None = None
    wide: bool = False
    name: ClassVar[str] = "share"
    role: ClassVar[str] = "share"
    zeros_stay: ClassVar[bool] = True

    def apply(self, graph: Graph) -> Graph:
        """The graph with shared weights."""
        check_names(self.layers, graph, "share.layers")
        plain = self._shared(graph, linear_layers(graph), {})
        if not self.weigh or self.data is None or _exact(graph, plain):
            return plain
        error = miss(graph, self.data)
        uses = use(graph, self.data) if error(plain) > NEGLIGIBLE else {}
        layers = [layer for layer in linear_layers(graph) if layer.weight in uses]
        return min(plain, self._shared(plain, layers, uses, graph), key=error) if layers else plain

    def _shared(
        self, graph: Graph, layers: Iterable[Layer], uses: Mapping[str, Use], exact: Graph | None = None
    ) -> Graph:
        """The graph with shared weights in these layers, of `exact`, their errors weighed by `uses`, by constant."""
        codebooks, constants = dict(graph.codebooks), {}
        for layer in layers:
            weights, bits = finite_weights(exact or graph, layer), self.layers.get(layer.node.name, self.bits)
            codebook = None
            if self.wide and not bits and layer.weight in graph.units:
                codebook = of_units(weights, graph.units[layer.weight])
            codebook = codebook or cluster(
                weights,
                bits,
                init=self.init,
                seed=self.seed,
                max_iter=self.max_iter,
                importance=uses[layer.weight].of_weights() if layer.weight in uses else None,
                wide=self.wide,
            )
            codebooks[layer.weight] = codebook
            constants[layer.weight] = _decoded(codebook)
        return graph.with_constants(constants).with_(codebooks=codebooks)

    def on(self, x: Array) -> Self:
        """With samples."""
        return replace(self, data=x)

    def kept(self) -> Self:
        """As wide as `kept_bits`, in every layer."""
        return replace(self, bits=self.kept_bits, layers={}, wide=True)

    def sizes(self, weights: Array, most: int) -> Sequence[int]:
        """Of ENTRIES, no more than there are distinct weights."""
        distinct = int(np.unique(weights[weights != 0]).size)
        fitting = [entries for entries in ENTRIES if entries <= min(most, max(2, distinct))]
        return fitting or [min(most, max(1, distinct))]

    def costs(self, graph: Graph, x: Array) -> Costs:
        """By the second moments of inputs and the rows' importance; nothing without `weigh`, or of no chain."""
        return {name: used.of_weights() for name, used in use(graph, x).items()} if self.weigh else {}

    def assign(self, weights: Array, setting: Setting, cost: Array | None = None) -> tuple[Array, Array]:
        """Clusters that weigh error against the bits of their codes."""
        return priced(weights, *setting, cost)

    def parameters(self, torch: Any, state: State, assign: Assigner, every: int) -> Codes:
        """Weights that move between codes."""
        return Codes(torch, state, assign, every)

    def entries(self, torch: Any, state: State, biases: bool = True) -> Entries:
        """Every entry for itself, but a zero."""
        return Entries(torch, state, biases)

    def bits_of(self, values: Array, codes: Array) -> float:
        """The entropy of the codes, and 16 bits an entry."""
        return entropy(codes) + ENTRY_BITS * values.size


def _decoded(book: Codebook) -> Array:
    """The weights, float32."""
    if book.identity or book.scale is not None:
        return book.weights().astype(np.float32)
    return looked_up(book.values.astype(np.float32), book.codes)


def _exact(graph: Graph, shared: Graph) -> bool:
    """Whether all weights were kept."""
    names = [node.inputs[1] for node in graph.layers()]
    return all(np.array_equal(graph.constants[name], shared.constants[name]) for name in names)
