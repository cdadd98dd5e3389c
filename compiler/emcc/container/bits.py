"""Bits in bytes: the most significant bit of a byte comes first, the last byte is filled up with zeros."""

import numpy as np

from emcc.ir.graph import Array

_CHUNK = 1 << 18


class FormatError(ValueError):
    """The bytes are not what the format allows. The container turns it into an EmccError that names the section."""


def pack(values: Array, widths: Array) -> bytes:
    """Concatenate the low `widths[i]` (0 to 64) bits of each uint64 `values[i]`."""
    pieces = []
    for begin in range(0, len(values), _CHUNK):
        width = widths[begin : begin + _CHUNK].astype(np.int64)
        ends = np.cumsum(width)
        total = int(ends[-1])
        below = np.repeat(ends, width) - 1 - np.arange(total)
        word = np.repeat(values[begin : begin + _CHUNK].astype(np.uint64), width)
        pieces.append(((word >> below.astype(np.uint64)) & np.uint64(1)).astype(np.uint8))
    return np.packbits(np.concatenate(pieces)).tobytes() if pieces else b""


def unpack(data: bytes, widths: Array) -> Array:
    """The inverse of `pack`: uint64, one value a width. All of `data` must be used and the filling zero."""
    width = widths.astype(np.int64)
    ends = np.cumsum(width)
    total = int(ends[-1]) if len(ends) else 0
    if len(data) != -(-total // 8):
        raise FormatError(f"{total} bits expected, {len(data)} bytes found")
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    if bits[total:].any():
        raise FormatError("bits set past the end")
    values = np.zeros(len(width), np.uint64)
    for place in range(int(width.max(initial=0))):
        live = np.flatnonzero(width > place)
        at = ends[live] - 1 - place
        values[live] |= bits[at].astype(np.uint64) << np.uint64(place)
    return values


class BitWriter:
    """Collects a few bits at a time (for tables; `pack` is for arrays)."""

    def __init__(self) -> None:
        self._bits: list[str] = []

    def put(self, value: int, width: int) -> None:
        """The low `width` bits of `value`."""
        if width:
            self._bits.append(f"{value & ((1 << width) - 1):0{width}b}")

    def gamma(self, value: int) -> None:
        """Elias gamma code of value + 1, value >= 0."""
        width = (value + 1).bit_length()
        self.put(0, width - 1)
        self.put(value + 1, width)

    def bytes(self) -> bytes:
        """What was put, filled up to a whole byte."""
        text = "".join(self._bits)
        size = -(-len(text) // 8)
        return int(text.ljust(size * 8, "0") or "0", 2).to_bytes(size, "big")


class BitReader:
    """Reads what BitWriter wrote, from byte `begin` of `data`."""

    def __init__(self, data: bytes, begin: int = 0) -> None:
        self._data, self._at = data, begin * 8

    def take(self, width: int) -> int:
        """The next `width` bits."""
        end = self._at + width
        if end > len(self._data) * 8:
            raise FormatError("ends within a table")
        first, last = self._at // 8, -(-end // 8)
        value = int.from_bytes(self._data[first:last], "big") >> (last * 8 - end)
        self._at = end
        return value & ((1 << width) - 1)

    def gamma(self, limit: int) -> int:
        """The inverse of BitWriter.gamma; more than `limit` is an error."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise FormatError("a number is too long")
        value = ((1 << zeros) | self.take(zeros)) - 1
        if value > limit:
            raise FormatError(f"{value} where at most {limit} is possible")
        return value

    def finish(self) -> int:
        """The byte after the last one read; the filling must be zero."""
        if self.take(-self._at % 8):
            raise FormatError("bits set past the end of a table")
        return self._at // 8
