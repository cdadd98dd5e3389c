"""Prune: weights that matter least become zero."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.compress.importance.choice import best, choose, removed, smallest
from emcc.compress.importance.ranking import SCORES, Ranking, shares, threshold, without_smallest
from emcc.compress.importance.saliency import saliency, sensitivity
from emcc.compress.method import Chooser, Masks, Parameters
from emcc.compress.parameters import Weights
from emcc.compress.regrowth import REGROW, Rigl, Surgery
from emcc.compress.state import State
from emcc.ir.graph import Array, Graph
from emcc.passes.layers import check_names, finite_weights, linear_layers

CRITERIA = ("magnitude", "obd", "snip")
BATCHES = 20
"""Batches that gradients are taken of."""


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


def balanced_mask(worth: Array, count: int, groups: int) -> Array:
    """Bool in the shape of `worth`: the `count` of least worth, shared among groups of rows as `balanced` does."""
    groups, mask = min(groups, len(worth)), np.zeros(worth.shape, bool)
    ends = np.cumsum([worth[group::groups].size for group in range(groups)], dtype=np.int64) * count // worth.size
    for group, share in enumerate(np.diff(ends, prepend=0)):
        rows = worth[group::groups]
        mask[group::groups] = smallest(rows.ravel(), int(share)).reshape(rows.shape)
    return mask


@dataclass(frozen=True)
class Prune:
    """Sets the given share of weights to zero. Weights that were zero before count as removed, and stay zero.

    Exact: of n weights, floor(n * sparsity + 1/2) are zero afterwards (more if more were zero before). Layers named
    in `layers` get their own share; `sparsity` is then the share of all the others together.

    LAMP is the default score because it keeps most accuracy: LeNet-300-100 without fine-tuning at sparsity 0.9 is
    right on 93.7 % of the MNIST test set, with plain magnitudes on 92.5 %, with scaled ones on 82.3 %.

    With `balance_pes` a layer's rows r, r + pes, ... lose the same share each: load-balance-aware pruning (Han et al.,
    "ESE", FPGA 2017, section 3.2), for arrays whose rows are dealt in turn ([lower] balance = "none").

    With a `criterion` other than "magnitude" weights are ranked by what they are worth on the data, in one ranking of
    all layers: "obd" by Optimal Brain Damage (LeCun, Denker and Solla 1990), curvature * w**2, with the mean square of
    gradients as the curvature; "snip" by |gradient * w| (Lee et al. 2019).

    `regrow` brings weights back while those that are left are trained, in training by a schedule: see `regrowth`.

    In a search `score` may also be "scan", with the `curvature` of each weight constant.
    """

    sparsity: float = option(0.9, "share of the weights to remove, over all layers", low=0.0, high=1.0)
    score: str = option("lamp", "what makes a weight matter, between layers", choices=tuple(SCORES))
    layers: Mapping[str, float] = option({}, "share to remove in one layer, by its name", low=0.0, high=1.0)
    balance_pes: int = option(
        0, "deal rows to this many PEs in turn and leave each as many weights; 0 does not", low=0, high=256
    )
    criterion: str = option(
        "magnitude", "what ranks weights: their size, or what they cost on the data", choices=CRITERIA, silent=True
    )
    regrow: str = option(
        "none", "how weights come back as the rest is trained, by the fixed schedule", choices=REGROW, silent=True
    )
    regrow_share: float = option(0.3, "of a layer's weights, that rigl moves at first", low=0.0, high=0.9, silent=True)
    regrow_every: int = option(40, "steps between two moves", low=1, high=1_000_000, silent=True)
    curvature: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, Array] | None = None
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
        if self.measures:
            return {self.criterion: replace(self, regrow="none")}
        kinds = ("magnitude", "scan", "lamp")
        return {kind: replace(self, score=kind, curvature=curvature, regrow="none") for kind in kinds}

    @property
    def measures(self) -> bool:
        """By any criterion but magnitudes."""
        return self.criterion != "magnitude"

    def worth(self, problem: Any, state: State) -> Mapping[str, Array] | None:
        """By the criterion; None of magnitudes."""
        if not self.measures:
            return None
        measure = saliency if self.criterion == "obd" else sensitivity
        return measure(problem, state, BATCHES)

    def given(self, worth: Mapping[str, Array] | None) -> Self:
        """With what weights are worth, by constant, in their shapes."""
        return replace(self, measured=worth or {})

    def choose(
        self, graph: Graph, weights: Mapping[str, Array], count: int, worth: Mapping[str, Array] | None = None
    ) -> Masks:
        """See `importance.choice`: by the score, or by what each weight was found to be worth."""
        if worth is not None:
            flat = {name: np.where(array == 0, -1.0, worth[name]).ravel() for name, array in weights.items()}
            return best(graph, weights, flat, count)
        return choose(graph, self.score, weights, self.curvature, count)

    def parameters(self, torch: Any, state: State, choose: Chooser | None, every: int) -> Parameters:
        """Weights that are not zero, and those that come back."""
        if choose is None and self.regrow == "surgery":
            return Surgery(torch, state, self.regrow_every)
        if choose is None and self.regrow == "rigl":
            return Rigl(torch, state, self.regrow_share, self.regrow_every)
        return Weights(torch, state, choose, every)

    def bits_of(self, kept: int, size: int) -> float:
        """The entropy of a position at that density, and about one bit more."""
        return max(1.0, 1.0 - math.log2(max(kept, 1) / size))

    def _remove(self, graph: Graph, names: Sequence[str], count: int) -> dict[str, Array]:
        arrays = [graph.constants[name] for name in names]
        if self.measures and self.measured != {}:
            return self._by_worth(names, arrays, count)
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

    def _by_worth(self, names: Sequence[str], arrays: Sequence[Array], count: int) -> dict[str, Array]:
        """Without the `count` of least worth, with `balance_pes` of each layer as many of every PE's rows."""
        if self.measured is None:
            raise EmccError(f'[prune] criterion = "{self.criterion}" looks at data', hint="give it with --data")
        if not names:
            return {}
        flat = [np.where(a == 0, -1.0, self.measured[n]).ravel() for n, a in zip(names, arrays, strict=True)]
        gone = np.split(smallest(np.concatenate(flat), count), np.cumsum([a.size for a in flat])[:-1])
        changes = {}
        for name, array, worth, mask in zip(names, arrays, flat, gone, strict=True):
            mask = mask.reshape(array.shape)
            if self.balance_pes:
                mask = balanced_mask(worth.reshape(array.shape), int(mask.sum()), self.balance_pes)
            changes[name] = np.where(mask, np.float32(0), array)
        return changes
