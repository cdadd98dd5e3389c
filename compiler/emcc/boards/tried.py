"""A seed that was tried, and the sentences for those that came to nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.boards.pll import MHZ
from emcc.tools.nextpnr import Routed
from emcc.tools.process import ToolError

_SHOWN = 6
_MANY = 8
"""Seeds after which more of them hardly help."""


@dataclass(frozen=True)
class Tried:
    """A seed, and what nextpnr made of it: a routed design, or an error."""

    seed: int
    routed: Routed | None
    error: ToolError | None

    @property
    def folder(self) -> str:
        """Where it was placed, in the working folder."""
        return f"seed{self.seed}"


def too_slow(hz: int, tried: Sequence[Tried], where: Path) -> EmccError:
    """Return the error of a design that misses its clock with every seed: by how much, and what to try."""
    clocks = {one.seed: one.routed.slowest for one in tried if one.routed}
    asked, fmax = hz / MHZ, max(clocks.values())
    seeds = f"--seeds {2 * len(tried) + 2} tries more placements, " if len(tried) < _MANY else ""
    return EmccError(
        f"too slow: {fmax:.2f} MHz of {asked:g} MHz, {asked / fmax - 1:.1%} too little".replace("%", " %"),
        file=where,
        details=[f"seed {seed}: {clock:.2f} MHz" for seed, clock in clocks.items()],
        hint=f"{seeds}--freq {int(fmax)} asks for less; fewer PEs are faster too",
    )


def failed(error: ToolError, where: Path) -> EmccError:
    """Return the error of a tool that failed, with what it said."""
    hint = "the logs are in that folder; fewer PEs, or a larger part, if it does not fit"
    return EmccError(f"{error.tool} failed", file=where, details=_said(error), hint=hint)


def _said(error: ToolError) -> list[str]:
    """Return what a tool said of its failure: its errors, else its last lines."""
    lines = [line.strip() for line in error.output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    head = str(error).split("\n", 1)[0]
    return [printable(line, 300) for line in [head, *(errors or lines)[-_SHOWN:]]]
