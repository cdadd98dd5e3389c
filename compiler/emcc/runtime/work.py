"""The operations of an inference that cannot be skipped."""

from collections.abc import Mapping

import numpy as np

from emcc.eie.reference import book_of, tapped
from emcc.ir.codebook import looked_up_in
from emcc.ir.graph import Array
from emcc.ir.program import Program, Slices, Step


def by_step(program: Program, values: Mapping[int, Array]) -> Array:
    """Return the useful operations of each step and sample: int64 [n, steps].

    A product of a non-zero weight and a non-zero activation is one, also where the weight is that of a sum or an
    average; so are a product of two non-zero activations, and a non-zero activation that a maximum looks at.

    `values`: what every buffer holds, int64 [n, positions, slots], as `eie.reference.Memory` has it.
    """
    return np.stack([_useful(program, step, [values[i] for i in step.sources]) for step in program.steps], axis=1)


def weights_by_column(slices: Slices, codebook: Array | None) -> Array:
    """Return the number of weights that are not zero, by column: int64 [n_in]; padding zeros do not count."""
    before = np.concatenate([[0], np.cumsum(looked_up_in(slices.code, codebook) != 0)])
    begin = slices.first[:-1, None] + slices.start
    return np.asarray((before[begin + slices.count] - before[begin]).sum(axis=0), np.int64)


def _useful(program: Program, step: Step, sources: list[Array]) -> Array:
    """Return the useful operations of one step: int64 [n]."""
    maps = [x != 0 for x in sources]
    if step.combine == "mul":
        return np.asarray((maps[0] & maps[1]).sum(axis=(1, 2)), np.int64)
    seen = _seen(program, step, maps)
    if step.kind == "broadcast":
        per_tap = weights_by_column(program.slices[step.slices], book_of(program, step))
    elif step.combine == "max" or step.codes < 0:
        per_tap = np.ones(seen.shape[1], np.int64)
    else:
        weights = looked_up_in(program.codes[step.codes], book_of(program, step))
        per_tap = (weights != 0).reshape(-1).astype(np.int64)
    return np.asarray(seen @ per_tap, np.int64)


def _seen(program: Program, step: Step, maps: list[Array]) -> Array:
    """Count how often non-zero activations are seen, over output positions: int64 [n, sources * taps * slots]."""
    source, target = program.buffers[step.sources[0]], program.buffers[step.target]
    taps = list(tapped(step.window, (source.height, source.width), (target.height, target.width)))
    seen = [x[:, at[inside]].sum(axis=1, dtype=np.int64) for x in maps for at, inside in taps]
    return np.concatenate(seen, axis=1)
