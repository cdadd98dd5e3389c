"""How weights are stored: in the form that takes the fewest bytes, the same values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from emcc.ir.graph import Array

BYTE, WORD, BOOK, NIBBLE = 1, 2, 4, 8
FORMS: Mapping[str, int] = {"BYTE": BYTE, "WORD": WORD, "BOOK": BOOK, "NIBBLE": NIBBLE}
"""A bit each."""

DEARER = 1.1
"""One form for all steps of a kernel may take so many times the bytes of the best for each: its code asks nothing."""


@dataclass(frozen=True)
class Stored:
    """Where weights are: their form, the first one's place in its array, the codebook's in books."""

    form: int
    at: int
    book: int


@dataclass
class Pool:
    """The read-only arrays of weights; what is there already is not put there again.

    Attributes:
        own: int8 values. codes: uint8 values. words, books: int16 values.
    """

    own: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    books: list[int] = field(default_factory=list)
    _books: dict[bytes, int] = field(default_factory=dict)
    _kept: dict[tuple[int, bytes], Stored] = field(default_factory=dict)

    def beside(self) -> "Pool":
        """Return another one with the same codebooks."""
        return Pool(books=self.books, _books=self._books)

    def put(self, weights: Array, form: int, whole: Array | None = None) -> Stored:
        """Store int64 [n] values of 16 bits in one of their forms; the codebook is that of `whole`."""
        key = form, weights.astype("<i2").tobytes()
        if key not in self._kept:
            self._kept[key] = self._put(weights, form, weights if whole is None else whole)
        return self._kept[key]

    def _put(self, weights: Array, form: int, whole: Array) -> Stored:
        if form == BYTE:
            return Stored(form, _extend(self.own, weights), 0)
        if form == WORD:
            return Stored(form, _extend(self.words, weights), 0)
        book = np.unique(whole)
        codes = np.searchsorted(book, weights)
        name = book.tobytes()
        if name not in self._books:
            self._books[name] = _extend(self.books, book)
        return Stored(form, _extend(self.codes, _paired(codes) if form == NIBBLE else codes), self._books[name])


def forms_for(weights: Sequence[Array]) -> list[int]:
    """Return a form for each of some arrays that one kernel reads: the same for all where that is not much dearer."""
    sizes = [_sizes(each) for each in weights]
    best = [min(each, key=lambda form, each=each: each[form]) for each in sizes]  # type: ignore[misc]
    least = sum(each[form] for each, form in zip(sizes, best, strict=True))
    for form in FORMS.values():
        if all(form in each for each in sizes) and sum(each[form] for each in sizes) <= DEARER * least:
            return [form] * len(sizes)
    return best


def size(weights: Array) -> int:
    """Return the fewest bytes that weights take."""
    return min(_sizes(weights).values())


def _sizes(weights: Array) -> dict[int, int]:
    """Return the bytes of each form that can hold weights; of equal ones the first is read fastest."""
    count, distinct = weights.size, np.unique(weights).size
    sizes = {WORD: 2 * count}
    if not count or (weights.min() >= -128 and weights.max() <= 127):
        sizes = {BYTE: count, **sizes}
    if distinct <= 256:
        sizes[BOOK] = count + 2 * distinct
    if distinct <= 16:
        sizes[NIBBLE] = (count + 1) // 2 + 2 * distinct
    return sizes


def _paired(codes: Array) -> Array:
    """Return codes of 4 bits two a byte, the first one low."""
    even = np.append(codes, np.zeros(codes.size % 2, codes.dtype)).reshape(-1, 2)
    return np.asarray(even[:, 0] | even[:, 1] << 4)


def _extend(array: list[int], values: Array) -> int:
    """Put values at the end and return where they begin."""
    begin = len(array)
    array.extend(values.tolist())
    return begin
