"""Filters: whole channels go, so that the graph really shrinks: rows of a layer, and the columns that read them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.base.text import printable
from emcc.compress.channels import amount, criteria, reconstruct
from emcc.compress.channels.cut import cut
from emcc.compress.channels.families import Channels, Family, channels
from emcc.compress.problem import Problem
from emcc.ir.graph import Array, Graph
from emcc.legal.verify import verify
from emcc.passes.layers import check_names

CRITERIA = ("l1", "entropy", "slimming", "taylor", "reconstruct")
SPREADS = ("auto", "even", "all", "scan")
SPREAD_OF = {"l1": "scan", "entropy": "even", "slimming": "all", "taylor": "all", "reconstruct": "even"}
"""As the criterion's paper spreads what goes over the layers."""

BATCHES, SAMPLES, ROOM = 40, 1024, 1 << 25
"""Batches of Taylor's gradients; samples that others look at, at most, and elements of all their tensors."""


@dataclass(frozen=True)
class Filters:
    """Takes out filters and neurons, with the next layers' columns for them.

    Of a family of n units, which are channels tied together (`channels.families`), floor(keep n + 1/2) stay, one at
    least; families named in `layers`, by any of their layers, keep their own share. With `spread` "all" or "scan" it is
    that share of all the other families' units together.

    Attributes:
        problem: the data and the aim; without it there is "l1" and "slimming", nothing is solved and spread is even.
        gammas: of `criteria.gammas`, of the model before folding.
        begun: the graph that shares are of, where stages went before.
    """

    keep: float = option(0.5, "share of the filters that stay", low=0.0, high=1.0)
    criterion: str = option("l1", "what makes a filter matter", choices=CRITERIA)
    spread: str = option(
        "auto", "how what goes is spread: evenly, by one ranking of all, by a sensitivity scan", choices=SPREADS
    )
    repair: bool = option(True, "solve the next layers' weights by least squares, on the data")
    stages: int = option(1, "stages in which filters go and the rest is trained, in turns", low=1, high=100)
    epochs: int = option(4, "passes over the data after filters went; all stages together", low=0, high=10_000)
    layers: Mapping[str, float] = option({}, "share that stays in one layer, by its name", low=0.0, high=1.0)
    problem: Problem | None = None
    gammas: Mapping[str, Array] = field(default_factory=dict)
    begun: Graph | None = None
    name: ClassVar[str] = "filters"
    role: ClassVar[str] = "shrink"

    def on(self, problem: Problem | None) -> Self:
        """With data, and an aim."""
        return replace(self, problem=problem)

    def of(self, source: Graph) -> Self:
        """With what is known of the model before folding."""
        return replace(self, gammas=criteria.gammas(source))

    def partly(self, share: float) -> Self:
        """The same with this share of what goes gone, counted in logarithms."""
        layers = {name: float(keep**share) for name, keep in self.layers.items()}
        return replace(self, keep=float(self.keep**share), layers=layers)

    def check(self, graph: Graph, data: bool) -> Channels:
        """The families of a folded graph. EmccError where there are none, or options that do not go with them."""
        check_names(self.layers, graph, "filters.layers")
        known = channels(graph)
        if not known.families:
            raise EmccError(
                "filters: this model has no layer whose channels may go",
                details=[f"layer {printable(name)!r}: {printable(why, 200)}" for name, why in known.whole],
                hint="leave filters out of --method, or [compress] methods",
            )
        inside = {name for family in known.families for name in family.rows}
        if bad := sorted(set(self.layers) - inside):
            why = {**dict.fromkeys(bad, "is tied to the layer before"), **dict(known.whole)}
            raise EmccError(
                "filters.layers names layers whose channels stay whole",
                details=[f"{printable(name)!r}: {printable(why[name], 200)}" for name in bad],
                hint="leave them out of the recipe's [filters.layers]",
            )
        for family in known.families:
            if len({self.layers[name] for name in family.rows if name in self.layers}) > 1:
                names = ", ".join(repr(printable(name)) for name in family.rows)
                raise EmccError(f"filters.layers: {names} lose the same channels, and so keep one share")
        if self.criterion == "slimming":
            if self.stages > 1:
                raise EmccError('[filters] criterion = "slimming" has one stage', hint="leave out stages")
            criteria.slimming(known, self.gammas)
        if self.criterion not in ("l1", "slimming") and not data:
            raise EmccError(f'[filters] criterion = "{self.criterion}" looks at data', hint="give it with --data")
        return known

    def apply(self, graph: Graph) -> Graph:
        """The smaller graph; the same one where all stay."""
        known = self.check(graph, self.problem is not None)
        worth = self._worth(known)
        kept = amount.best(worth, self._counts(known, worth))
        if all(mask.all() for mask in kept.values()):
            return graph
        if self.repair and self.problem is not None:
            smaller = reconstruct.repaired(known, kept, self._samples(graph))
        else:
            smaller = cut(known, kept)
        verify(smaller, after=self.role)
        return smaller

    def stagewise(self, graph: Graph, tune: Callable[[Graph, int], Graph]) -> Graph:
        """The graph after all stages; `tune(graph, epochs)` trains what a stage leaves."""
        begun = graph
        for stage in range(1, self.stages + 1):
            graph = replace(self.partly(stage / self.stages), begun=begun).apply(graph)
            epochs = self.epochs // self.stages + (self.epochs % self.stages if stage == self.stages else 0)
            graph = tune(graph, epochs) if epochs else graph
        return graph

    def _worth(self, known: Channels) -> dict[str, Array]:
        if self.criterion == "reconstruct":
            return reconstruct.removal_orders(known, self._samples(known.graph))
        if self.criterion == "entropy":
            worth = criteria.entropies(known, self._samples(known.graph))
        elif self.criterion == "taylor":
            assert self.problem is not None
            worth = criteria.taylor(known, self.problem, BATCHES)
        elif self.criterion == "slimming":
            worth = criteria.slimming(known, self.gammas)
        else:
            worth = criteria.norms(known)
        return {family.name: family.summed(worth) for family in known.families}

    def _counts(self, known: Channels, worth: Mapping[str, Array]) -> dict[str, int]:
        """Units that stay, by family."""
        whole = {family.name: len(family) for family in (channels(self.begun) if self.begun else known).families}
        counts, rest = dict[str, int](), list[Family]()
        for family in known.families:
            own = next((self.layers[name] for name in family.rows if name in self.layers), None)
            if own is None:
                rest.append(family)
            else:
                counts[family.name] = min(len(family), amount.left(whole[family.name], own))
        spread = SPREAD_OF[self.criterion] if self.spread == "auto" else self.spread
        sizes, others = {family.name: len(family) for family in rest}, {f.name: worth[f.name] for f in rest}
        total = max(len(rest), amount.left(sum(whole[name] for name in sizes), self.keep)) if rest else 0
        if spread == "all":
            return counts | amount.ranked(others, total)
        if spread == "scan" and self.problem is not None:
            return counts | amount.by_sensitivity(amount.scanned(known, others, self.problem), sizes, total)
        return counts | {name: min(size, amount.left(whole[name], self.keep)) for name, size in sizes.items()}

    def _samples(self, graph: Graph) -> Array:
        """Samples that train, float32 [n, ...]."""
        assert self.problem is not None
        features = sum(tensor.features for tensor in graph.tensors.values())
        return np.asarray(self.problem.some(max(1, min(SAMPLES, ROOM // features))))
