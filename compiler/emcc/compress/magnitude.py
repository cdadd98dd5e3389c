"""Prune: weights that matter least become zero."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from emcc.base.options import option
from emcc.compress.importance.choice import best, choose, removed
from emcc.compress.importance.ranking import SCORES, Ranking, shares, threshold, without_smallest
from emcc.compress.method import Chooser, Masks
from emcc.compress.parameters import Weights
from emcc.compress.state import State
from emcc.ir.graph import Array, Graph
from emcc.passes.layers import check_names, finite_weights, linear_layers


def balanced(weights: Array, count: int, groups: int) -> Array:
    """The weights with `count` set to zero, the smallest of each of `groups` groups of rows (r, r + groups, ...)."""
    groups = min(groups, len(weights))
    pruned = np.empty(weights.shape, np.float32)
    sizes = [weights[group::groups].size for group in range(groups)]
    ends = np.cumsum(sizes, dtype=np.int64) * count // weights.size
    for group, share in enumerate(np.diff(ends, prepend=0)):
        rows = weights[group::groups]
        pruned[group::groups] = without_smallest(rows, *threshold(rows, int(share)))
    return pruned


@dataclass(frozen=True)
class Prune:
    """Sets the given share of weights to zero. Weights that were zero before count as removed, and stay zero.

    Exact: of n weights, floor(n * sparsity + 1/2) are zero afterwards (more if more were zero before). Layers named
    in `layers` get their own share; `sparsity` is then the share of all the others together.

    LAMP is the default score because it keeps most accuracy: LeNet-300-100 without fine-tuning at sparsity 0.9 is
    right on 93.7 % of the MNIST test set, with plain magnitudes on 92.5 %, with scaled ones on 82.3 %.

    With `balance_pes` a layer's rows r, r + pes, ... lose the same share each: load-balance-aware pruning (Han et al.,
    "ESE", FPGA 2017, section 3.2), for arrays whose rows are dealt in turn ([lower] balance = "none").

    In a search `score` may also be "scan", with the `curvature` of each weight constant.
    """

    sparsity: float = option(0.9, "share of the weights to remove, over all layers", low=0.0, high=1.0)
    score: str = option("lamp", "what makes a weight matter, between layers", choices=tuple(SCORES))
    layers: Mapping[str, float] = option({}, "share to remove in one layer, by its name", low=0.0, high=1.0)
    balance_pes: int = option(
        0, "deal rows to this many PEs in turn and leave each as many weights; 0 does not", low=0, high=256
    )
    curvature: Mapping[str, float] = field(default_factory=dict)
    name: ClassVar[str] = "prune"
    role: ClassVar[str] = "prune"

    def apply(self, graph: Graph) -> Graph:
        """The graph with fewer weights; no shape changes."""
        check_names(self.layers, graph, "prune.layers")
        shared: list[str] = []
        changes: dict[str, Array] = {}
        for layer in linear_layers(graph):
            weights = finite_weights(graph, layer)
            if layer.node.name not in self.layers:
                shared.append(layer.weight)
            else:
                fraction = self.layers[layer.node.name]
                changes |= self._remove(graph, [layer.weight], removed(weights.size, fraction))
        total = sum(graph.constants[name].size for name in shared)
        changes |= self._remove(graph, shared, removed(total, self.sparsity))
        return graph.with_constants(changes)

    def partly(self, share: float) -> Self:
        """The same with this share of every sparsity."""
        layers = {name: fraction * share for name, fraction in self.layers.items()}
        return replace(self, sparsity=self.sparsity * share, layers=layers)

    def forms(self, curvature: Mapping[str, float]) -> Mapping[str, Self]:
        """A form for each score that a search auditions."""
        kinds = ("magnitude", "scan", "lamp")
        return {kind: replace(self, score=kind, curvature=curvature) for kind in kinds}

    def choose(
        self, graph: Graph, weights: Mapping[str, Array], count: int, worth: Mapping[str, Array] | None = None
    ) -> Masks:
        """See `importance.choice`: by the score, or by what each weight was found to be worth."""
        if worth is not None:
            flat = {name: np.where(array == 0, -1.0, worth[name]).ravel() for name, array in weights.items()}
            return best(graph, weights, flat, count)
        return choose(graph, self.score, weights, self.curvature, count)

    def parameters(self, torch: Any, state: State, choose: Chooser | None, every: int) -> Weights:
        """Weights that are not zero."""
        return Weights(torch, state, choose, every)

    def bits_of(self, kept: int, size: int) -> float:
        """The entropy of a position at that density, and about one bit more."""
        return max(1.0, 1.0 - math.log2(max(kept, 1) / size))

    def _remove(self, graph: Graph, names: Sequence[str], count: int) -> dict[str, Array]:
        arrays = [graph.constants[name] for name in names]
        if self.balance_pes:
            rankings = [Ranking.of(array, SCORES[self.score]) for array in arrays]
            counts = shares(rankings, count)
            del rankings
            parts = zip(names, arrays, counts, strict=True)
            return {name: balanced(array, many, self.balance_pes) for name, array, many in parts}
        if len(arrays) == 1:
            # Within a layer every score orders by magnitude.
            cuts = [threshold(arrays[0], count)]
        else:
            rankings = [Ranking.of(array, SCORES[self.score]) for array in arrays]
            cuts = [ranking.cut(share) for ranking, share in zip(rankings, shares(rankings, count), strict=True)]
            del rankings
        return {name: without_smallest(array, *cut) for name, array, cut in zip(names, arrays, cuts, strict=True)}
