"""Where tensors lie in the one memory, and for how long: a static plan by liveness."""

from dataclasses import dataclass

import numpy as np

from emcc.backends.hls.segments import Segment
from emcc.eie.groups.where import root_of
from emcc.eie.liveness import Life, allocate
from emcc.ir.graph import Array
from emcc.ir.program import Program

BEFORE, AFTER = -1, -2
"""In the place of a step: before a segment's first one, after its last one."""


@dataclass(frozen=True)
class Layout:
    """Addresses, in slots.

    Attributes:
        base: where each buffer begins that is no part of another, by its index.
        depth: slots of the memory.
        cleared: by segment and step (or BEFORE, AFTER), the buffers that have to be zeroed then: those with slots that
            nothing writes.
    """

    program: Program
    base: dict[int, int]
    depth: int
    cleared: dict[tuple[int, int], list[int]]

    def at(self, buffer: int) -> int:
        """Return where a buffer begins."""
        root, first = root_of(self.program, buffer)
        return self.base[root] + first

    def pitch(self, buffer: int) -> int:
        """Return the slots from a position of it to the next."""
        return self.program.buffers[root_of(self.program, buffer)[0]].slots

    def slots(self, root: int) -> int:
        """Return how many slots a buffer of its own has, of all positions."""
        buffer = self.program.buffers[root]
        return buffer.positions * buffer.slots


def layout(program: Program, parts: list[Segment]) -> Layout:
    """Plan the memory: two buffers share slots where one is dead before the other is written."""
    written: dict[int, int] = {}
    read: dict[int, int] = {}
    held: dict[int, Array] = {}
    moment: dict[int, tuple[int, int]] = {}
    time = 0

    def writes(buffer: int, place: tuple[int, int]) -> None:
        root, first = root_of(program, buffer)
        if root not in written:
            written[root], moment[root] = time, place
            held[root] = np.zeros(program.buffers[root].slots, bool)
        held[root][first : first + program.buffers[buffer].slots] = True
        read[root] = time

    def reads(buffer: int, place: tuple[int, int]) -> None:
        root, _ = root_of(program, buffer)
        if root not in written:
            written[root], moment[root] = time, place
            held[root] = np.zeros(program.buffers[root].slots, bool)
        read[root] = time

    for number, part in enumerate(parts):
        for port in part.into:
            writes(port.buffer, (number, BEFORE))
        time += 1
        for index in part.steps:
            for source in program.steps[index].sources:
                reads(source, (number, index))
            writes(program.steps[index].target, (number, index))
            time += 1
        for port in part.out:
            reads(port.buffer, (number, AFTER))
        time += 1
    roots = sorted(written, key=lambda root: (written[root], root))
    lives = [Life(program.buffers[r].positions * program.buffers[r].slots, written[r], read[r]) for r in roots]
    bases, depth = allocate(lives)
    cleared: dict[tuple[int, int], list[int]] = {}
    for root in roots:
        if not held[root].all():
            cleared.setdefault(moment[root], []).append(root)
    return Layout(program, dict(zip(roots, bases, strict=True)), depth, cleared)
