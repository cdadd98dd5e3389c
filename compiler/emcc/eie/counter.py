"""Counts what saturates while the reference runs."""

import numpy as np

from emcc.eie.saturation import Count, Inputs, Saturation
from emcc.ir.batch import ends, spans
from emcc.ir.graph import Array
from emcc.ir.program import HOLE, Program
from emcc.samples.sampling import format_of, limits


class Counter:
    """Counts over batches. It is the `watch` of eie.reference; `take` is given the inputs."""

    def __init__(self, program: Program) -> None:
        self.program, self._made = program, [0] * len(program.buffers)
        self._beyond = [0] * len(program.buffers)
        self._entered = [[0, 0] for _ in program.inputs]
        self._nonzero = self._samples = self._of = 0

    def take(self, scaled: Array) -> None:
        """Count inputs, float64 [n, elements], before they are saturated (samples.sampling.scaled)."""
        low, high = limits(self.program)
        beyond = (scaled < low) | (scaled > high)
        for counted, (_, span) in zip(self._entered, spans(ends(self.program)), strict=True):
            counted[0] += beyond[:, span].size
            counted[1] += int(np.count_nonzero(beyond[:, span]))
        self._nonzero += int(np.count_nonzero(scaled))
        self._samples += int(beyond.any(axis=1).sum())
        self._of += len(scaled)

    def __call__(self, buffer: int, saturating: Array) -> None:
        """Count what is written to a buffer."""
        held = self.program.buffers[buffer]
        self._made[buffer] += len(saturating) * held.positions * int(np.count_nonzero(held.order != HOLE))
        self._beyond[buffer] += int(np.count_nonzero(saturating))

    def shares(self) -> dict[str, float]:
        """Return the share that saturates, by the tensor's name: of the inputs, and of all that is written."""
        counted = zip(self.program.buffers, self._made, self._beyond, strict=True)
        made = {buffer.name: Count(values, saturated).share for buffer, values, saturated in counted if values}
        entered = zip(self.program.inputs, self._entered, strict=True)
        return {**made, **{port.name: Count(*counted).share for port, counted in entered}}

    def result(self) -> Saturation:
        """Return the counts so far."""
        program = self.program
        worst = max(range(len(self._entered)), key=lambda i: Count(*self._entered[i]).share)
        fmt = format_of(program, program.inputs[worst])
        low, high = (float(end) for end in fmt.dequantise(np.array([fmt.low, fmt.high])))
        values, saturated = (sum(counted) for counted in zip(*self._entered, strict=True))
        inputs = Inputs(values, saturated, self._nonzero, self._samples, self._of, low, high)
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
