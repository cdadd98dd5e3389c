"""Arrays of integers of which a few bits change from one to the next: biases, codebooks, function tables.

Stored: byte order << 6 | zeros; `order` sints, the first values; a byte, the width, ADAPTIVE or CLASSED; the steps.
The values are divided by 2**zeros, then differenced `order` times, modulo 2**64. At a fixed width: the least step as
sint, then each one's excess. CLASSED: the bit lengths of the zigzagged steps, Huffman coded, then each one's bits below
its highest. ADAPTIVE: uint bytes, and the range coder's. The writer takes the shortest.
"""

import numpy as np

from emcc.container import adaptive, huffman
from emcc.container.bits import FormatError, pack, unpack
from emcc.container.varint import read_uint, uint, unzigzag, zigzag
from emcc.ir.graph import Array

ADAPTIVE, CLASSED = 254, 255
_ORDERS = 3
_CLASSES = 65


def write(values: Array, *, plain: bool = False) -> bytes:
    """int64 values as bytes; how many is for the caller to store. plain: without the range coder."""
    if not len(values):
        return b""
    together = int(np.bitwise_or.reduce(values))
    zeros = (together & -together).bit_length() - 1 if together else 0
    rest, head, choices = values.astype(np.int64) >> zeros, b"", []
    for order in range(min(_ORDERS, len(values))):
        first = bytes([order << 6 | zeros]) + head
        choices += [first + _fixed(rest), first + _classed(rest)]
        if not plain and adaptive.fits(rest):
            choices.append(first + _adaptive(rest))
        head += uint(zigzag(int(rest[0])))
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
        value, at = read_uint(data, at)
        seeds.append(_wrap(unzigzag(value)))
    if at >= len(data):
        raise FormatError("ends before the integers")
    kinds = {CLASSED: _read_classed, ADAPTIVE: _read_adaptive}
    steps, at = kinds.get(data[at], _read_fixed)(data, at, count - order)
    for seed in reversed(seeds):
        steps = np.cumsum(np.concatenate([np.array([seed], np.int64), steps]))
    return steps << zeros, at


def _fixed(steps: Array) -> bytes:
    base = int(steps.min())
    excess = (steps - base).view(np.uint64)
    width = int(excess.max()).bit_length()
    return bytes([width]) + uint(zigzag(base)) + pack(excess, np.full(len(steps), width))


def _read_fixed(data: bytes, at: int, count: int) -> tuple[Array, int]:
    width = data[at]
    if width > 64:
        raise FormatError(f"integers of {width} bits")
    base, at = read_uint(data, at + 1)
    end = at + -(-count * width // 8)
    excess = unpack(data[at:end], np.broadcast_to(np.int64(width), count))
    return excess.view(np.int64) + np.int64(_wrap(unzigzag(base))), end


def _classed(steps: Array) -> bytes:
    folded = ((steps << 1) ^ (steps >> 63)).view(np.uint64)
    classes = _bit_lengths(folded)
    return bytes([CLASSED]) + huffman.encode(classes, _CLASSES) + pack(folded, np.maximum(classes - 1, 0))


def _read_classed(data: bytes, at: int, count: int) -> tuple[Array, int]:
    classes, at = huffman.decode(data, count, _CLASSES, at + 1, exact=False)
    widths = np.maximum(classes.astype(np.int64) - 1, 0)
    end = at + -(-int(widths.sum()) // 8)
    folded = unpack(data[at:end], widths)
    folded |= np.where(classes > 0, np.uint64(1) << widths.astype(np.uint64), np.uint64(0))
    return (folded >> np.uint64(1)).view(np.int64) ^ -(folded & np.uint64(1)).view(np.int64), end


def _adaptive(steps: Array) -> bytes:
    coded = adaptive.write_integers(steps)
    return bytes([ADAPTIVE]) + uint(len(coded)) + coded


def _read_adaptive(data: bytes, at: int, count: int) -> tuple[Array, int]:
    size, at = read_uint(data, at + 1)
    if at + size > len(data):
        raise FormatError("ends within the integers")
    return adaptive.read_integers(data[at : at + size], count), at + size


def _bit_lengths(values: Array) -> Array:
    """Bits that each uint64 takes, 0 for 0."""
    lengths = np.zeros(len(values), np.int64)
    for place in (32, 16, 8, 4, 2, 1):
        high = values >> np.uint64(place)
        lengths += np.where(high > 0, place, 0)
        values = np.where(high > 0, high, values)
    return lengths + (values > 0)


def _wrap(value: int) -> int:
    """`value` modulo 2**64, as int64 holds it."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)
