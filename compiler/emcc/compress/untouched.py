"""No method of zeros: where `[compress] methods` names none, the zeros are those that there are."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from emcc.compress.method import Chooser, Masks
from emcc.compress.parameters import Weights
from emcc.compress.state import State
from emcc.ir.graph import Array, Graph


@dataclass(frozen=True)
class Untouched:
    """Leaves weights as they are; see `method.Zeros`. It is no row of METHODS, and has no options."""

    name: ClassVar[str] = "untouched"
    role: ClassVar[str] = "prune"

    def apply(self, graph: Graph) -> Graph:
        """The same."""
        return graph

    def partly(self, share: float) -> Self:
        """The same."""
        return self

    def forms(self, curvature: Mapping[str, float]) -> Mapping[str, Self]:
        """The one."""
        return {self.name: self}

    @property
    def measures(self) -> bool:
        """No."""
        return False

    def worth(self, problem: Any, state: State) -> None:
        """Nothing is measured."""

    def given(self, worth: Mapping[str, Array] | None) -> Self:
        """The same."""
        return self

    def choose(
        self, graph: Graph, weights: Mapping[str, Array], count: int, worth: Mapping[str, Array] | None = None
    ) -> Masks:
        """All that are not zero."""
        return {name: array != 0 for name, array in weights.items()}

    def parameters(self, torch: Any, state: State, choose: Chooser | None, every: int) -> Weights:
        """Weights that are not zero."""
        return Weights(torch, state, choose, every)

    def bits_of(self, kept: int, size: int) -> float:
        """The entropy of a position at that density, and about one bit more."""
        return max(1.0, 1.0 - math.log2(max(kept, 1) / size))
