"""Arrays of integers of which a few bits change from one to the next: biases, codebooks, function tables.

Stored: byte order << 6 | zeros; `order` sints, the first values; a byte, the width or CLASSED; the steps. The values
are divided by 2**zeros, then differenced `order` times, modulo 2**64. At a fixed width: the least step as sint, then
each one's excess. CLASSED: the bit lengths of the steps (folded, as a sint is), as a matrix of one row (`runs`), with
uint bytes before it; then each one's bits below its highest. The writer takes the shortest.
"""

from functools import lru_cache

import numpy as np

from emcc.container import runs
from emcc.container.bits import FormatError, pack, read_sint, read_uint, sint, uint, unpack
from emcc.ir.graph import Array

CLASSED = 255
_ORDERS = 3
_CLASS_W = 7
_SMALL, _KEPT = 4096, 1024
"""How many integers an array may have whose bytes are kept, and of how many arrays: a search asks for them again."""


def write(values: Array) -> bytes:
    """int64 values as bytes; how many is for the caller to store."""
    if not len(values):
        return b""
    values = values.astype(np.int64)
    return _kept(values.tobytes()) if len(values) <= _SMALL else _shortest(values)


@lru_cache(_KEPT)
def _kept(content: bytes) -> bytes:
    return _shortest(np.frombuffer(content, np.int64))


def _shortest(values: Array) -> bytes:
    together = int(np.bitwise_or.reduce(values))
    zeros = (together & -together).bit_length() - 1 if together else 0
    rest, head, choices = values >> zeros, b"", []
    for order in range(min(_ORDERS, len(values))):
        first = bytes([order << 6 | zeros]) + head
        choices += [first + _fixed(rest), first + _classed(rest)]
        head += sint(int(rest[0]))
        rest = np.diff(rest)
    return min(choices, key=len)


def read(data: bytes, at: int, count: int) -> tuple[Array, int]:
    """(`count` int64 values, the byte after them)."""
    if not count:
        return np.zeros(0, np.int64), at
    if at >= len(data):
        raise FormatError("ends before the integers")
    order, zeros = data[at] >> 6, data[at] & 63
    if order >= min(_ORDERS, count):
        raise FormatError(f"{count} integers differenced {order} times")
    at, seeds = at + 1, []
    for _ in range(order):
        value, at = read_sint(data, at)
        seeds.append(_wrap(value))
    if at >= len(data):
        raise FormatError("ends before the integers")
    steps, at = (_read_classed if data[at] == CLASSED else _read_fixed)(data, at, count - order)
    for seed in reversed(seeds):
        steps = np.cumsum(np.concatenate([np.array([seed], np.int64), steps]))
    return steps << zeros, at


def _fixed(steps: Array) -> bytes:
    base = int(steps.min())
    excess = (steps - base).view(np.uint64)
    width = int(excess.max()).bit_length()
    return bytes([width]) + sint(base) + pack(excess, np.full(len(steps), width))


def _read_fixed(data: bytes, at: int, count: int) -> tuple[Array, int]:
    width = data[at]
    if width > 64:
        raise FormatError(f"integers of {width} bits")
    base, at = read_sint(data, at + 1)
    end = at + -(-count * width // 8)
    excess = unpack(data[at:end], np.broadcast_to(np.int64(width), count))
    return excess.view(np.int64) + np.int64(_wrap(base)), end


def _classed(steps: Array) -> bytes:
    folded = ((steps << 1) ^ (steps >> 63)).view(np.uint64)
    classes = np.array([value.bit_length() for value in folded.tolist()], np.int64)
    return bytes([CLASSED]) + write_bytes(classes, _CLASS_W) + pack(folded, np.maximum(classes - 1, 0))


def _read_classed(data: bytes, at: int, count: int) -> tuple[Array, int]:
    classes, at = read_bytes(data, at + 1, count, _CLASS_W)
    if classes.max(initial=0) > 64:
        raise FormatError("integers of more than 64 bits")
    widths = np.maximum(classes.astype(np.int64) - 1, 0)
    end = at + -(-int(widths.sum()) // 8)
    folded = unpack(data[at:end], widths)
    folded |= np.where(classes > 0, np.uint64(1) << widths.astype(np.uint64), np.uint64(0))
    return (folded >> np.uint64(1)).view(np.int64) ^ -(folded & np.uint64(1)).view(np.int64), end


def write_bytes(values: Array, width: int) -> bytes:
    """Values below 2**width, at most 8, as a Huffman-coded matrix of one row, and its size before it."""
    row = values[None].astype(np.uint8)
    matrix = runs.write(row, runs.plan(row, width))
    return uint(len(matrix)) + matrix


def read_bytes(data: bytes, at: int, count: int, width: int) -> tuple[Array, int]:
    """(`count` values, uint8, the byte after them)."""
    size, at = read_uint(data, at)
    if size > len(data) - at:
        raise FormatError("ends within the integers")
    codes, _ = runs.read(data[at : at + size], 1, count, width)
    return codes[0], at + size


def _wrap(value: int) -> int:
    """`value` modulo 2**64, as int64 holds it."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)
