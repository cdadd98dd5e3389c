"""What `emcc compare` found, as values."""

from dataclasses import dataclass, field
from typing import Any

from emcc.ir.graph import Format
from emcc.measure.values import rounded

EXPONENTS = range(-24, 25)
"""Powers of two by which float values are told apart for the plot."""


@dataclass(frozen=True)
class Row:
    """A tensor, or the weights of a layer: its float value against the artefact's.

    Attributes:
        kind: "tensor" or "weights"; name: of the tensor, or of the layer; op: of the node that makes it, or "input".
        fmt: the tensor's format; None for weights, and where the artefact computes in floats.
        values: numbers compared.
        error_max, error_rms: of the difference.
        relative: error_rms as a part of the float value's RMS; 1 where that is 0 and the artefact's is not.
        saturated: share that saturates (eie.saturation); None where nothing can.
        alone: RMS of the error of the output that suffers most, when only this is replaced (measure.alone): weights in
            the float model, a tensor in the float model with the artefact's weights; as a part of the output's RMS.
        share: its part of the sum of squares of `alone` over all rows.
        magnitudes: how many float values have the magnitude 2**e to 2**(e+1), for e in EXPONENTS (the ends
            take what lies beyond); zeros are left out.
    """

    kind: str
    name: str
    op: str
    fmt: Format | None
    values: int
    error_max: float
    error_rms: float
    relative: float
    saturated: float | None
    alone: float
    share: float
    magnitudes: tuple[int, ...] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        fmt = self.fmt and {"width": self.fmt.width, "frac_bits": self.fmt.frac_bits}
        return {**vars(self), "fmt": fmt, "magnitudes": list(self.magnitudes)}


@dataclass(frozen=True)
class Comparison:
    """All rows in the order in which the network runs: a layer's weights, then what it makes.

    `outputs` names the model's.
    """

    samples: int
    threshold: float
    rows: tuple[Row, ...]
    outputs: tuple[str, ...]

    @property
    def output(self) -> Row:
        """The output that is farthest off, before the host's operators."""
        ends = [row for row in self.rows if row.kind == "tensor" and row.name in self.outputs]
        return max(ends, key=lambda row: row.relative)

    @property
    def first(self) -> Row | None:
        """The first tensor that has more relative error than the threshold."""
        return next((row for row in self.rows if row.kind == "tensor" and row.relative > self.threshold), None)

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return {
            "samples": self.samples,
            "threshold": self.threshold,
            "exponents": [EXPONENTS.start, EXPONENTS.stop - 1],
            "first": self.first and self.first.name,
            "rows": [rounded(row.to_json()) for row in self.rows],
        }
