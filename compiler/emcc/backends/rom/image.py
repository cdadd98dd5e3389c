"""A ROM's content, whatever file format it will be written in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emcc.ir.graph import Array


@dataclass(frozen=True, eq=False)
class RomImage:
    """Words of `width` bits, from address 0.

    Attributes:
        width: bits a word, 1 to 4096.
        values: unsigned integers below 2**width, one or more: kept as uint64 [words] up to 64 bits, as a tuple of
            int above that.
        comment: lines for the head of the file (untrusted text: formats escape it).
    """

    width: int
    values: Array | Sequence[int]
    comment: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 4096 or not len(self.values):
            raise ValueError(f"a ROM of {len(self.values)} words of {self.width} bits")
        if self.width <= 64:
            values = np.asarray(self.values)
            if values.dtype.kind == "O" or values.dtype.kind == "f":
                values = np.array([int(value) for value in self.values], np.uint64)
            if values.ndim != 1 or values.dtype.kind not in "iu" or values.min() < 0 or int(values.max()) >> self.width:
                raise ValueError(f"not all values are unsigned integers of {self.width} bits")
            kept: Array | tuple[int, ...] = values.astype(np.uint64)
            kept.flags.writeable = False  # type: ignore[union-attr]
        else:
            kept = tuple(int(value) for value in self.values)
            if min(kept) < 0 or max(kept) >> self.width:
                raise ValueError(f"not all values are unsigned integers of {self.width} bits")
        object.__setattr__(self, "values", kept)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RomImage):
            return NotImplemented
        mine, theirs = (self.width, self.comment), (other.width, other.comment)
        return mine == theirs and np.array_equal(self.array(), other.array())

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self.values)

    @property
    def digits(self) -> int:
        """Hexadecimal digits a word."""
        return -(-self.width // 4)

    def array(self) -> Array:
        """Return the words as uint8 [words, ceil(width / 8)], little-endian."""
        size = -(-self.width // 8)
        if isinstance(self.values, np.ndarray):
            return self.values.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :size]
        return np.frombuffer(b"".join(v.to_bytes(size, "little") for v in self.values), np.uint8).reshape(-1, size)

    @staticmethod
    def of_bytes(width: int, words: Array, comment: tuple[str, ...] = ()) -> "RomImage":
        """Return the image whose `array` is `words`."""
        if width > 64:
            return RomImage(width, [int.from_bytes(word.tobytes(), "little") for word in words], comment)
        wide = np.zeros((len(words), 8), np.uint8)
        wide[:, : words.shape[1]] = words
        return RomImage(width, wide.view("<u8").ravel().astype(np.uint64), comment)
