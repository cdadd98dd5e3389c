"""What saturates: inputs, activations and outputs that a format has no number for, counted as the reference runs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.ir.graph import Array
from emcc.ir.program import HOLE, Program
from emcc.samples.sampling import input_format

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

    `low` and `high` are the ends of the input's format, in the model's own units.
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


class Counter:
    """Counts over batches. It is the `watch` of eie.reference; `take` is given the inputs."""

    def __init__(self, program: Program) -> None:
        self.program, self._made = program, [0] * len(program.buffers)
        self._beyond = [0] * len(program.buffers)
        self._values = self._saturated = self._nonzero = self._samples = self._of = 0

    def take(self, scaled: Array) -> None:
        """Count inputs, float64 [n, elements], before they are saturated (samples.sampling.scaled)."""
        fmt = input_format(self.program)
        beyond = (scaled < fmt.low) | (scaled > fmt.high)
        self._values += scaled.size
        self._nonzero += int(np.count_nonzero(scaled))
        self._saturated += int(np.count_nonzero(beyond))
        self._samples += int(beyond.any(axis=1).sum())
        self._of += len(scaled)

    def __call__(self, buffer: int, saturating: Array) -> None:
        """Count what is written to a buffer."""
        held = self.program.buffers[buffer]
        self._made[buffer] += len(saturating) * held.positions * int(np.count_nonzero(held.order != HOLE))
        self._beyond[buffer] += int(np.count_nonzero(saturating))

    def shares(self) -> dict[str, float]:
        """Return the share that saturates, by the tensor's name: of the input, and of all that is written."""
        counted = zip(self.program.buffers, self._made, self._beyond, strict=True)
        made = {buffer.name: Count(values, saturated).share for buffer, values, saturated in counted if values}
        return {**made, self.program.inputs[0].name: Count(self._values, self._saturated).share}

    def result(self) -> Saturation:
        """Return the counts so far."""
        program, fmt = self.program, input_format(self.program)
        low, high = (float(end) for end in fmt.dequantise(np.array([fmt.low, fmt.high])))
        inputs = Inputs(self._values, self._saturated, self._nonzero, self._samples, self._of, low, high)
        written = [(part.before, 0, part.name, part.target.buffer) for part in program.parts]
        written += [(i, 1, step.name, step.target) for i, step in enumerate(program.steps)]
        ordered = [(name, buffer) for _, _, name, buffer in sorted(written, key=lambda one: one[:2])]
        out = {port.buffer for port in program.outputs}
        leaving = [buffer for _, buffer in ordered if {buffer, program.buffers[buffer].whole} & out]
        return Saturation(
            inputs,
            tuple((name, Count(self._made[buffer], self._beyond[buffer])) for name, buffer in ordered),
            Count(sum(self._made[buffer] for buffer in leaving), sum(self._beyond[buffer] for buffer in leaving)),
        )
