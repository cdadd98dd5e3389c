"""Reads what a test needs of an FST file: its blocks, and the names in its hierarchy."""

import struct
from collections.abc import Iterator

HEADER, HIERARCHY_LZ4 = 0, 6


def lz4_block(data: bytes) -> bytes:
    """Decodes the LZ4 block format."""
    out, at = bytearray(), 0

    def length(low: int, at: int) -> tuple[int, int]:
        if low == 15:
            while True:
                low, at = low + data[at], at + 1
                if data[at - 1] != 255:
                    break
        return low, at

    while at < len(data):
        token, at = data[at], at + 1
        count, at = length(token >> 4, at)
        out += data[at : at + count]
        at += count
        if at == len(data):
            break
        offset, at = struct.unpack_from("<H", data, at)[0], at + 2
        count, at = length(token & 15, at)
        assert 0 < offset <= len(out)
        for _ in range(count + 4):
            out.append(out[-offset])
    return bytes(out)


def blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, contents) of every block."""
    at = 0
    while at < len(data):
        size = struct.unpack_from(">Q", data, at + 1)[0]
        yield data[at], data[at + 9 : at + 1 + size]
        at += 1 + size


def hierarchy(data: bytes) -> bytes:
    """The hierarchy block, unpacked: names of scopes and signals between tags."""
    result = next(content for kind, content in blocks(data) if kind == HIERARCHY_LZ4)
    names = lz4_block(result[8:])
    assert len(names) == struct.unpack(">Q", result[:8])[0]
    return names
