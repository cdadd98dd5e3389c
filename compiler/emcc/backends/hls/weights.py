"""How weights are stored: in the form that takes the fewest bytes, the same values."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from emcc.ir.graph import Array

BYTE, WORD, BOOK, NIBBLE = 1, 2, 4, 8
FORMS = {"EMCC_BYTE": BYTE, "EMCC_WORD": WORD, "EMCC_BOOK": BOOK, "EMCC_NIBBLE": NIBBLE}
"""Bits of EMCC_FORMS."""


@dataclass(frozen=True)
class Stored:
    """Where weights are: their form, the first one's place in codes or words, the codebook's in books."""

    form: int
    at: int
    book: int


@dataclass
class Pool:
    """The read-only arrays of weights; what is there already is not put there again.

    Attributes:
        codes: uint8 values. words, books: int16 values.
    """

    codes: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    books: list[int] = field(default_factory=list)
    _books: dict[bytes, int] = field(default_factory=dict)
    _kept: dict[bytes, Stored] = field(default_factory=dict)

    def put(self, weights: Array) -> Stored:
        """Store int64 [n] values of 16 bits."""
        key = weights.astype("<i2").tobytes()
        if key not in self._kept:
            self._kept[key] = self._put(weights)
        return self._kept[key]

    def _put(self, weights: Array) -> Stored:
        form = form_of(weights)
        if form == BYTE:
            return Stored(form, _extend(self.codes, weights & 255), 0)
        if form == WORD:
            return Stored(form, _extend(self.words, weights), 0)
        book, codes = np.unique(weights, return_inverse=True)
        name = book.tobytes()
        if name not in self._books:
            self._books[name] = _extend(self.books, book)
        return Stored(form, _extend(self.codes, _paired(codes) if form == NIBBLE else codes), self._books[name])


def form_of(weights: Array) -> int:
    """Return the form of fewest bytes; of equal ones the one that is read fastest."""
    return min(_sizes(weights), key=lambda row: row[0])[1]


def size(weights: Array) -> int:
    """Return the bytes that weights take."""
    return min(_sizes(weights))[0]


def _sizes(weights: Array) -> list[tuple[int, int]]:
    count, distinct = weights.size, np.unique(weights).size
    rows = [(2 * count, WORD)]
    if distinct <= 256:
        rows.insert(0, (count + 2 * distinct, BOOK))
    if distinct <= 16:
        rows.append(((count + 1) // 2 + 2 * distinct, NIBBLE))
    if not count or (weights.min() >= -128 and weights.max() <= 127):
        rows.insert(0, (count, BYTE))
    return rows


def _paired(codes: Array) -> Array:
    """Return codes of 4 bits two a byte, the first one low."""
    even = np.append(codes, np.zeros(codes.size % 2, codes.dtype)).reshape(-1, 2)
    return np.asarray(even[:, 0] | even[:, 1] << 4)


def _extend(array: list[int], values: Array | Sequence[int]) -> int:
    """Put values at the end and return where they begin."""
    begin = len(array)
    array.extend(int(value) for value in values)
    return begin
