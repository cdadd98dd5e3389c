"""Two methods that nobody needs, added as any other: a file, and a row each in METHODS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from emcc.base.options import option
from emcc.compress.method import Assigner, Chooser, Costs, Masks, Setting
from emcc.compress.parameters import Codes, Entries, Weights
from emcc.compress.state import State
from emcc.ir.codebook import canonical
from emcc.ir.graph import Array, Codebook, Graph


@dataclass(frozen=True)
class Signs:
    """Each layer's weights become -m, 0 and m, m the mean of their sizes times `scale` (Li and Liu 2016, by halves)."""

    scale: float = option(1.0, "of the mean", low=0.1, high=2.0)
    name: ClassVar[str] = "signs"
    role: ClassVar[str] = "share"
    zeros_stay: ClassVar[bool] = True

    def apply(self, graph: Graph) -> Graph:
        books: dict[str, Codebook] = {}
        for node in graph.layers():
            name = node.inputs[1]
            values, codes = self.assign(graph.constants[name], (2, 0.0))
            books[name] = canonical(values.astype(np.float64), codes, 2)
        weights = {name: book.weights().astype(np.float32) for name, book in books.items()}
        return graph.with_constants(weights).with_(codebooks=books)

    def on(self, x: Array) -> Self:
        return self

    def kept(self) -> Self:
        return self

    def sizes(self, weights: Array, most: int) -> Sequence[int]:
        return (2,)

    def costs(self, graph: Graph, x: Array) -> Costs:
        return {}

    def assign(self, weights: Array, setting: Setting, cost: Array | None = None) -> tuple[Array, Array]:
        mean = np.float32(self.scale * np.abs(weights[weights != 0]).mean()) if weights.any() else np.float32(1)
        return np.float32([0, -mean, mean]), np.where(weights == 0, 0, np.where(weights < 0, 1, 2)).astype(np.uint8)

    def parameters(self, torch: Any, state: State, assign: Assigner, every: int) -> Codes:
        return Codes(torch, state, assign, every)

    def entries(self, torch: Any, state: State, biases: bool = True) -> Entries:
        return Entries(torch, state, biases)

    def bits_of(self, values: Array, codes: Array) -> float:
        return float(np.count_nonzero(codes)) + 16


@dataclass(frozen=True)
class FirstColumns:
    """The first columns of each layer stay, whatever their weights."""

    density: float = option(0.5, "share of the columns that stay", low=0.0, high=1.0)
    name: ClassVar[str] = "first_columns"
    role: ClassVar[str] = "prune"

    def apply(self, graph: Graph) -> Graph:
        weights = {node.inputs[1]: graph.constants[node.inputs[1]] for node in graph.layers()}
        masks = {name: self._mask(array, round(self.density * array.size)) for name, array in weights.items()}
        return graph.with_constants({name: array * masks[name] for name, array in weights.items()})

    def partly(self, share: float) -> Self:
        return replace(self, density=1 - share * (1 - self.density))

    def forms(self, curvature: Mapping[str, float]) -> Mapping[str, Self]:
        return {self.name: self}

    @property
    def measures(self) -> bool:
        return False

    def worth(self, problem: Any, state: State) -> None:
        return None

    def given(self, worth: Mapping[str, Array] | None) -> Self:
        return self

    def choose(
        self, graph: Graph, weights: Mapping[str, Array], count: int, worth: Mapping[str, Array] | None = None
    ) -> Masks:
        left, masks = count, {}
        for name, array in weights.items():
            kept = array != 0
            mask = kept & (left >= np.cumsum(kept.T.reshape(-1)).reshape(kept.T.shape).T)
            masks[name], left = mask, left - int(mask.sum())
        return masks

    def parameters(self, torch: Any, state: State, choose: Chooser | None, every: int) -> Weights:
        return Weights(torch, state, choose, every)

    def bits_of(self, kept: int, size: int) -> float:
        return 0.5

    def _mask(self, weights: Array, count: int) -> Array:
        return count > np.arange(weights.size).reshape(weights.T.shape).T
