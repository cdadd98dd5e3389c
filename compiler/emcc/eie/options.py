"""What the user may choose about lowering."""

from dataclasses import dataclass
from typing import ClassVar

from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.ir.program import GROUPS, MAX_PES, QUEUE_DEPTHS

DEEP, SHALLOW = 32, 16
"""Entries of a queue, of which a PE has one."""


@dataclass(frozen=True)
class LowerOptions:
    """The recipe's [lower] section."""

    name: ClassVar[str] = "lower"

    pes: int = option(8, "processing elements; --pes overrides it", low=1, high=MAX_PES)
    groups: int = option(
        0,
        "column groups, which must divide pes: each has activations of its own; 0 takes as many as take fewest cycles",
        choices=(0, *GROUPS),
    )
    queue_depth: int = option(
        0,
        f"activation queue entries a PE; 0 takes {DEEP}, or {SHALLOW} where that costs hardly any cycles",
        choices=(0, *QUEUE_DEPTHS),
    )
    run_bits: int = option(0, "bits of the zero run in an entry; 0 chooses by padding", low=0, high=12)
    padding: float = option(0.01, "with run_bits 0: padding zeros allowed, as a share of the weights", low=0, high=1)
    balance: str = option(
        "activity",
        "deal rows to PEs so that each has the same number of entries, or of entries weighted by how often their"
        " column's activation is not zero in the data",
        choices=("none", "entries", "activity"),
    )
    memory: str = option(
        "",
        "how much memory the target has; --memory overrides it: block RAMs of a kind, as 208xecp5 (ecp5, gowin,"
        " ice40), or a size, as 3.7Mbit or 460KB",
    )
    next_input: bool = option(
        False,
        "receive the next inference's inputs while this one runs: more results a second over AXI for the words of the"
        " inputs, which nothing else may use then",
        silent=True,
    )
    halves: bool = option(
        True,
        "drain the rows of a layer of one position in two halves, the first beside the last columns of the second,"
        " where that saves a hundredth of the cycles: it takes some LUTs a PE and a longer pointer memory",
        silent=True,
    )
    trim: bool = option(True, "drop inputs and neurons that cannot change the output")

    def require_groups(self) -> None:
        """Raise EmccError where the groups do not divide the PEs."""
        if self.groups and self.groups not in self.fitting:
            raise EmccError(
                f"{self.pes} PEs are not {self.groups} equal groups",
                hint=f"with {self.pes} PEs, groups in the recipe's [lower] may be {', '.join(map(str, self.fitting))}",
            )

    @property
    def fitting(self) -> tuple[int, ...]:
        """Numbers of groups that divide the PEs."""
        return tuple(groups for groups in GROUPS if self.pes % groups == 0)

    @property
    def lanes(self) -> int:
        """PEs of a group; of all where the number of groups is still open."""
        return self.pes // max(self.groups, 1)
