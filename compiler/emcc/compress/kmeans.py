"""Share: each layer's weights become codes into a small codebook."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emcc.base.options import option
from emcc.compress.clusters.exact import LEVELS
from emcc.compress.clusters.lloyd import INITS, kmeans
from emcc.compress.clusters.points import distinct, nearest, optimal_of_many
from emcc.ir.codebook import CODE_WIDTHS, canonical, looked_up
from emcc.ir.graph import Array, Codebook, Graph
from emcc.passes.layers import check_names, finite_weights, linear_layers


def cluster(weights: Array, bits: int, *, init: str = "optimal", seed: int = 0, max_iter: int = 1000) -> Codebook:
    """A codebook of at most 2**bits entries for `weights` (any shape, finite float32).

    Zeros are code 0 and are not clustered. Distinct values that fit are kept exactly. `bits` 0 takes the smallest
    width that keeps all exactly, or 8.
    """
    has_zero = np.count_nonzero(weights) < weights.size
    found = distinct(weights, LEVELS if init == "optimal" else weights.size)
    entries = found[0].size + has_zero if found else LEVELS
    if bits == 0:
        bits = next((width for width in CODE_WIDTHS if entries <= 2**width), 8)
    room = 2**bits - has_zero
    if found is None:
        centroids = optimal_of_many(weights, room, max_iter)
    else:
        centroids = kmeans(*found, room, init=init, seed=seed, max_iter=max_iter)
    codes = nearest(weights, centroids, base=int(has_zero))
    return canonical(np.concatenate([[0.0], centroids]) if has_zero else centroids, codes, bits)


@dataclass(frozen=True)
class Share:
    """K-means weight sharing, a codebook a layer: sets `codebooks`, and the constants to the decoded weights.

    Zero weights stay exactly zero. A layer with no more distinct values than entries keeps its weights exactly.
    """

    bits: int = option(
        4, "bits of a code; 0: the fewest that keep every weight exactly, at most 8", choices=(0, 1, 2, 4, 8)
    )
    kept_bits: int = option(0, "the same, with --keep-weights", choices=(0, *CODE_WIDTHS))
    init: str = option("optimal", "where the clusters begin; optimal: at the least error there is", choices=INITS)
    max_iter: int = option(1000, "iterations of k-means at most", low=0, high=100_000)
    seed: int = option(0, 'seed of init = "random"', low=0)
    layers: Mapping[str, int] = option({}, "bits of one layer, by its name", choices=(0, 1, 2, 4, 8))
    name: ClassVar[str] = "share"

    def apply(self, graph: Graph) -> Graph:
        """The graph with shared weights."""
        check_names(self.layers, graph, "share.layers")
        codebooks, constants = {}, {}
        for layer in linear_layers(graph):
            codebook = cluster(
                finite_weights(graph, layer),
                self.layers.get(layer.node.name, self.bits),
                init=self.init,
                seed=self.seed,
                max_iter=self.max_iter,
            )
            codebooks[layer.weight] = codebook
            constants[layer.weight] = looked_up(codebook.values.astype(np.float32), codebook.codes)
        return graph.with_constants(constants).with_(codebooks=codebooks)
