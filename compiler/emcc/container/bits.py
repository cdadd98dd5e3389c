"""Bits and numbers in bytes. The most significant bit of a byte comes first; a last byte is filled up with zeros."""

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


def gamma(value: int) -> str:
    """Elias gamma code of value + 1, value >= 0, as text."""
    return f"{value + 1:b}".zfill(2 * (value + 1).bit_length() - 1)


def of_text(bits: str) -> bytes:
    """Bits as text, filled up to a whole byte."""
    size = -(-len(bits) // 8)
    return int(bits.ljust(size * 8, "0"), 2).to_bytes(size, "big")


class BitReader:
    """Reads a few bits at a time, from byte `begin` of `data`."""

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
        """The inverse of `gamma`; more than `limit` is an error."""
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


def uint(value: int) -> bytes:
    """LEB128 of value >= 0."""
    if value < 0:
        raise ValueError(f"{value} is negative")
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_uint(data: bytes, at: int) -> tuple[int, int]:
    """(value, the byte after it); at most 12 bytes long."""
    value = 0
    for place in range(12):
        if at >= len(data):
            raise FormatError("ends within a number")
        value |= (data[at] & 127) << 7 * place
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise FormatError("a number is too long")


def sint(value: int) -> bytes:
    """`uint` of the value folded: 0, -1, 1, -2, ... as 0, 1, 2, 3, ..."""
    return uint(value << 1 if value >= 0 else ~value << 1 | 1)


def read_sint(data: bytes, at: int) -> tuple[int, int]:
    """(value, the byte after it)."""
    folded, at = read_uint(data, at)
    return ~(folded >> 1) if folded & 1 else folded >> 1, at
