"""Counts what saturates while the reference runs."""

import numpy as np

from emcc.eie.saturation import Count, Inputs, Saturation
from emcc.ir.graph import Array
from emcc.ir.program import HOLE, Program
from emcc.samples.sampling import input_format


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
