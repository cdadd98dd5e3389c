"""What goes in and out of each segment of a Program, by the reference: what emitted C is held against."""

from collections.abc import Mapping

import numpy as np

from emcc.backends.hls.segments import segments, size_of
from emcc.eie import reference
from emcc.ir.graph import Array
from emcc.ir.program import HOLE, Port, Program

Pairs = list[tuple[Array, Array]]
"""A segment each: int64 [n, elements] in, and out."""


def crossed(program: Program, inputs: Mapping[str, Array], watch: reference.Watch | None = None) -> Pairs:
    """Run the reference on integers [n, elements] by input's name."""
    memory = reference.ran(program, inputs, watch)
    pairs = []
    for number, part in enumerate(segments(program)):
        given = [] if number else [np.asarray(inputs[port.name]) for port in part.into]
        into = given or [_held(port, memory.values[port.buffer]) for port in part.into]
        out = [_held(port, memory.values[port.buffer]) for port in part.out]
        pairs.append((np.concatenate(into, axis=1), np.concatenate(out, axis=1)))
    return pairs


def _held(port: Port, values: Array) -> Array:
    """Return a tensor [n, elements] of what its buffer holds, [n, positions, slots]; 0 where nothing holds it."""
    held = port.order != HOLE
    result = np.zeros((len(values), size_of(port)), np.int64)
    result[:, port.order[held]] = values[:, held]
    return result
