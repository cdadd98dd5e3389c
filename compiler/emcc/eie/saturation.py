"""What saturates, as values: inputs, activations and outputs that a format has no number for (eie.counter counts)."""

from dataclasses import dataclass
from typing import Any

WARNED = 1e-3
"""The share of saturating inputs beyond which data and format do not go together."""


@dataclass(frozen=True)
class Count:
    """Values, and how many of them are outside of their format's range before they are clipped to it."""

    values: int
    saturated: int

    @property
    def share(self) -> float:
        """The part that saturates; 0 of nothing."""
        return self.saturated / self.values if self.values else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the count as JSON values."""
        return {"values": self.values, "saturated": self.saturated, "share": float(f"{self.share:.6g}")}


@dataclass(frozen=True)
class Inputs(Count):
    """Of the inputs also: how many are not zero, and how many of the samples have one that saturates.

    `low` and `high` are the ends of the input's format, in the model's own units; of several inputs, of the one that
    saturates most.
    """

    nonzero: int
    samples: int
    of_samples: int
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """Return the count as JSON values."""
        return {
            **super().to_json(),
            "nonzero": self.nonzero,
            "samples": self.samples,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True)
class Saturation:
    """Of one run.

    Attributes:
        inputs: model inputs, rounded to the input's format, that lie outside of it.
        layers: (name, count) of what each step, and each of the host's parts between steps, gives: requantised results
            outside of their format, where that shows (ops.fixed.saturating).
        outputs: the same of the values that leave: those of the steps that write the model's outputs.
    """

    inputs: Inputs
    layers: tuple[tuple[str, Count], ...]
    outputs: Count

    @property
    def activations(self) -> Count:
        """All layers together."""
        counts = [count for _, count in self.layers]
        return Count(sum(count.values for count in counts), sum(count.saturated for count in counts))

    @property
    def warned(self) -> bool:
        """Whether more inputs saturate than may be."""
        return self.inputs.share > WARNED

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        return {
            "inputs": self.inputs.to_json(),
            "activations": self.activations.to_json(),
            "layers": [{"name": name, **count.to_json()} for name, count in self.layers],
            "outputs": self.outputs.to_json(),
        }
