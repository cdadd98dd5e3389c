"""An accelerator as its streams show it: what it takes and gives in turn, by a function of what it took."""

import zlib
from collections import deque
from collections.abc import Callable, Sequence

from emcc.link.protocol import CRC_BYTES


class Stream:
    """A model of an accelerator, for link.device.

    Args:
        turns: activations in (positive) and out (negative), as they follow each other in an inference.
        answers: from all that was taken in an inference so far to what comes out in the next turn.
        cycles: that an inference counts as running.
    """

    def __init__(self, turns: Sequence[int], answers: Callable[[list[int]], list[int]], cycles: int = 0) -> None:
        self._turns, self._answers, self._each = tuple(turns), answers, cycles
        self.cycles = 0
        self.reset()

    def reset(self) -> None:
        """Begin again."""
        self._turn, self._taken, self._out = 0, list[int](), deque[int]()
        self._left = self._turns[0]

    @property
    def wants(self) -> bool:
        """Whether it is its turn to take."""
        return self._left > 0

    @property
    def has(self) -> bool:
        """Whether it is its turn to give."""
        return self._left < 0

    def push(self, value: int) -> None:
        """Take an activation."""
        self._taken.append(value)
        self._left -= 1
        self._next()

    def pull(self) -> int:
        """Give an activation."""
        self._left += 1
        value = self._out.popleft()
        self._next()
        return value

    def _next(self) -> None:
        if self._left:
            return
        self._turn += 1
        if self._turn == len(self._turns):
            self.cycles += self._each
            self.reset()
            return
        self._left = self._turns[self._turn]
        if self._left < 0:
            self._out.extend(self._answers(list(self._taken)))


class Image:
    """A model of what takes a boot image, for link.device: one of `size` bytes, of which the last four are its CRC."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self.taken = bytearray()

    def push(self, byte: int) -> None:
        """Take a byte."""
        if len(self.taken) < self._size:
            self.taken.append(byte)

    @property
    def done(self) -> bool:
        """Whether an image is there, and whole."""
        return len(self.taken) == self._size and self._good

    @property
    def refused(self) -> bool:
        """Whether what is there is none."""
        return len(self.taken) == self._size and not self._good

    @property
    def _good(self) -> bool:
        return zlib.crc32(self.taken[:-CRC_BYTES]).to_bytes(CRC_BYTES, "little") == self.taken[-CRC_BYTES:]
