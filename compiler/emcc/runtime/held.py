"""What holding compiled C against the reference found: integers, and no cycles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emcc.eie.saturation import Saturation
from emcc.ir.graph import Array
from emcc.runtime.final import Worth
from emcc.runtime.result import Difference


@dataclass(frozen=True)
class HeldResult:
    """What an engine without cycles did.

    Attributes:
        engine, says: its name, and what it is.
        inferences: that ran.
        mismatches, mismatched_bits: integers that came out and differ, and the bits in which they do.
        difference: the first of them.
        final, worth, saturation: as a SimulationResult has them.
        build_seconds, run_seconds: wall time.
    """

    engine: str
    says: str
    inferences: int
    mismatches: int
    mismatched_bits: int
    difference: Difference | None
    final: Mapping[str, Array] = field(repr=False)
    worth: Worth
    saturation: Saturation = field(repr=False)
    build_seconds: float
    run_seconds: float

    complete = True
    """Every inference comes to its end, or none does."""

    @property
    def ok(self) -> bool:
        """Whether every integer is the reference's."""
        return not self.mismatches

    @property
    def complaint(self) -> str:
        """Why the outputs are not to be believed, or ""."""
        return f"first difference: {self.difference}" if self.difference else ""

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values, without the outputs and without seconds."""
        return {
            "ok": self.ok,
            "engine": self.engine,
            "inferences": self.inferences,
            "mismatches": self.mismatches,
            "mismatched_bits": self.mismatched_bits,
            "first_difference": str(self.difference) if self.difference else None,
            **self.worth.to_json(),
            "saturation": self.saturation.to_json(),
        }
