"""The record of compression: a row a layer and pass, what it did to the layer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from emcc.ir.graph import Array, Graph


@dataclass(frozen=True)
class Coded:
    """What a layer takes in model.emc: bits of a code, bytes in all."""

    bits: int
    bytes: int


class Coder(Protocol):
    """Writes model.emc of a folded graph with shared weights."""

    def __call__(self, shared: Graph) -> bytes:
        """The file."""
        ...

    def layers(self, shared: Graph) -> Sequence[Coded]:
        """What each layer takes in it."""
        ...


def rows(
    name: str,
    before: Mapping[str, Array],
    after: Graph,
    coded: Sequence[Coded] | None,
    agreement: float | None,
) -> list[dict[str, Any]]:
    """A row a layer for the pass `name`.

    kept, density: weights that are not zero. bits, bytes: see Coded; None where they are not known yet. inertia: the
    sum of squared changes since `before`, the weights by constant; None where channels went. agreement: of the whole
    model with the original, in percent; None where there is none.
    """
    table = []
    for place, node in enumerate(after.layers()):
        weights = after.constants[node.inputs[1]]
        kept = int(np.count_nonzero(weights))
        old = before[node.inputs[1]]
        change = np.subtract(weights, old, dtype=np.float64) if old.shape == weights.shape else None
        table.append(
            {
                "pass": name,
                "layer": node.name,
                "kept": kept,
                "density": kept / weights.size,
                "bits": coded[place].bits if coded else None,
                "inertia": None if change is None else float(np.square(change).sum()),
                "bytes": coded[place].bytes if coded else None,
                "agreement": agreement,
            }
        )
    return table


class Recorder:
    """Records the passes of a fixed schedule: called with a pass's name and the graphs before and after it.

    Attributes:
        rows: what was recorded.
    """

    def __init__(self, coder: Coder, agreement: Callable[[Graph], float | None]) -> None:
        self.rows: list[dict[str, Any]] = []
        self._coder, self._agreement = coder, agreement

    def __call__(self, name: str, before: Graph, after: Graph) -> None:
        """Add a row a layer."""
        coded = self._coder.layers(after) if after.codebooks else None
        self.rows += rows(name, before.constants, after, coded, self._agreement(after))
