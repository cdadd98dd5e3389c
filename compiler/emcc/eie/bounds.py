"""How large the sums of a Program's steps can get: what proves the width of its accumulators."""

from collections.abc import Iterator

import numpy as np

from emcc.eie.reference import book_of, weights
from emcc.ir.codebook import looked_up_in
from emcc.ir.graph import Array
from emcc.ir.program import Program, Step
from emcc.ops.fixed import accumulator_bound, output_bounds

Range = tuple[int, int]


def accumulators(program: Program) -> Iterator[tuple[Step, int]]:
    """Yield each step with the bits that its accumulators need: every partial sum fits, with bias and rounding half."""
    ranges: dict[int, Range] = {}
    for step in program.steps:
        sources = [_range(program, ranges, source) for source in step.sources]
        bias = program.biases[step.bias] if step.bias >= 0 else np.zeros(1, np.int64)
        sums = _sums(program, step, [max(-low, high) for low, high in sources])
        bound = accumulator_bound(sums, bias, -1, 1, step.shift)
        yield step, max(bound.bit_length() + 1, step.shift + 1, program.act_w + 1)
        table = program.tables[step.table] if step.table >= 0 else None
        low, high = output_bounds(program.buffers[step.target].fmt, step.function, table)
        if step.combine == "max" and step.function == "identity":
            low, high = min(low for low, _ in sources), max(high for _, high in sources)
        before = ranges.get(step.target, (low, high))
        ranges[step.target] = min(low, before[0]), max(high, before[1])


def _range(program: Program, ranges: dict[int, Range], source: int) -> Range:
    """Return the range of a buffer: what was written to it; all that its format has where something else writes."""
    fmt = program.buffers[source].fmt
    return ranges.get(source, (fmt.low, fmt.high))


def _sums(program: Program, step: Step, largest: list[int]) -> Array:
    """Return the largest sum of products of each row, without the bias: int64 [rows], or [1] for all."""
    if step.combine == "mul":
        return np.array([largest[0] * largest[1]])
    if step.combine == "max":
        return np.array([largest[0]])
    if step.kind == "broadcast":
        sums = abs(weights(program.slices[step.slices], book_of(program, step), program.lanes)).sum(axis=1)
        return np.asarray(sums).ravel() * largest[0]
    if step.codes < 0:
        book = np.abs(program.codebooks[step.codebook])
        return np.array([int((book * np.arange(book.size)).max()) * largest[0]])
    by_tap = np.abs(looked_up_in(program.codes[step.codes], book_of(program, step)))
    taps = step.window.taps
    return np.asarray(sum(by_tap[s * taps : (s + 1) * taps].sum(axis=0) * top for s, top in enumerate(largest)))
