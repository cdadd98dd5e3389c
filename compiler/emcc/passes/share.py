"""Share: each layer's weights become codes into a small codebook."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emcc.ir.graph import Array, Codebook, Graph
from emcc.passes.base import option
from emcc.passes.kmeans import INITS, kmeans
from emcc.passes.layers import check_names, finite_weights, linear_layers

CODE_WIDTHS = (1, 2, 4, 8)


def canonical(values: Array, codes: Array, code_w: int) -> Codebook:
    """The same weights with entry 0 first and the rest ascending; equal entries merged, unused ones dropped.

    Values are rounded to float32. Entry 0 is 0.0, unless there is no zero weight and no room for a zero.
    """
    rounded = values.astype(np.float32).astype(np.float64) + 0.0
    used = np.bincount(codes.ravel(), minlength=values.size)[: values.size] > 0
    kept = np.unique(rounded[used])
    if 0.0 in kept or kept.size < 2**code_w:
        kept = np.concatenate([[0.0], kept[kept != 0]])
    position = {value: index for index, value in enumerate(kept)}
    renumber = np.array([position.get(value, 0) for value in rounded], np.uint8)
    return Codebook(kept, renumber[codes], code_w)


def cluster(weights: Array, bits: int, *, init: str = "linear", seed: int = 0, max_iter: int = 100) -> Codebook:
    """A codebook of at most 2**bits entries for `weights` (any shape, finite float32).

    Zeros are code 0 and are not clustered. Distinct values that fit are kept exactly. `bits` 0 takes the smallest
    width that keeps all exactly, or 8.
    """
    distinct, counts = np.unique(weights, return_counts=True)
    distinct = distinct.astype(np.float64)
    has_zero = bool((distinct == 0).any())
    if bits == 0:
        bits = next((width for width in CODE_WIDTHS if distinct.size <= 2**width), 8)
    if distinct.size <= 2**bits:
        centroids = distinct
    else:
        rest = distinct != 0
        room = 2**bits - has_zero
        centroids = kmeans(distinct[rest], counts[rest], room, init=init, seed=seed, max_iter=max_iter)
    codes = _nearest(weights, centroids)
    if not has_zero or 0.0 in centroids:
        return canonical(centroids, codes, bits)
    wide = codes.astype(np.uint16) + np.uint16(1)
    wide[weights == 0] = 0
    return canonical(np.concatenate([[0.0], centroids]), wide, bits)


def _nearest(weights: Array, centroids: Array) -> Array:
    """The index of the nearest centroid, uint8, in the shape of `weights`."""
    halves = centroids[:-1] + (centroids[1:] - centroids[:-1]) / 2
    return np.searchsorted(halves, weights.astype(np.float64), side="right").astype(np.uint8)


@dataclass(frozen=True)
class Share:
    """K-means weight sharing, a codebook a layer: sets `codebooks`, and the constants to the decoded weights.

    Zero weights stay exactly zero. A layer with no more distinct values than entries keeps its weights exactly.
    """

    bits: int = option(
        4, "bits of a code; 0: the fewest that keep every weight exactly, at most 8", choices=(0, 1, 2, 4, 8)
    )
    init: str = option("linear", "where the clusters begin", choices=INITS)
    max_iter: int = option(100, "iterations of k-means", low=0, high=100_000)
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
            constants[layer.weight] = codebook.weights().astype(np.float32)
        return graph.with_constants(constants).with_(codebooks=codebooks)
