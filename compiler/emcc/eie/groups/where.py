"""Where slots lie in groups, lanes and words, and buffers in the memory of the buffer that they are part of."""

from dataclasses import dataclass, replace

import numpy as np

from emcc.ir.graph import Array
from emcc.ir.program import Program, words


@dataclass(frozen=True)
class Where:
    """A tensor's words in memory.

    Attributes:
        root: the buffer that they are part of, which has an address; beyond Program.buffers for a copy.
        first: their first word in a position of the root; words: of a position; slots: in them.
        pitch: words of a position of the root.
        height, width: positions.
        part: whether the root is another buffer.
    """

    root: int
    first: int
    words: int
    slots: int
    pitch: int
    height: int
    width: int
    part: bool = False

    @property
    def size(self) -> int:
        """Words of the root."""
        return self.pitch * self.height * self.width

    def at(self, y: int, x: int) -> int:
        """Return the address of a position, from the root's on; the position may be beyond the map."""
        return self.first + (y * self.width + x) * self.pitch

    def word(self, index: int, pes: int) -> "Where":
        """Return one word of every position."""
        return replace(self, first=self.first + index, words=1, slots=min(pes, self.slots - index * pes))

    def copy(self, root: int) -> "Where":
        """Return the same in a root of its own."""
        return replace(self, root=root, first=0, pitch=self.words, part=False)

    def meets(self, other: "Where") -> bool:
        """Whether the two have words in common."""
        apart = self.first >= other.first + other.words or other.first >= self.first + self.words
        return self.root == other.root and not apart


def root_of(program: Program, index: int) -> tuple[int, int]:
    """Return (the buffer that one is part of at last, its first slot there); itself and 0 where it is no part."""
    first = 0
    while program.buffers[index].whole >= 0:
        first += program.buffers[index].first
        index = program.buffers[index].whole
    return index, first


def where(program: Program, index: int) -> Where:
    """Return where a buffer lies."""
    buffer, (root, first) = program.buffers[index], root_of(program, index)
    own, pitch = words(buffer.slots, program.pes), words(program.buffers[root].slots, program.pes)
    return Where(root, first // program.pes, own, buffer.slots, pitch, buffer.height, buffer.width, part=root != index)


def slots(count: int, lanes: int, groups: int) -> Array:
    """Return the slot at each place of a position of `count` words: int64 [groups, count, lanes].

    Slot s lies in group (s // lanes + s % lanes) % groups, lane s % lanes, word s // lanes // groups.
    """
    group, word, lane = np.ogrid[:groups, :count, :lanes]
    return np.asarray((word * groups + (group - lane) % groups) * lanes + lane)
