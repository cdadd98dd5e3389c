"""Asymmetric numeral systems: what the file's coders are held against.

Duda, "Asymmetric numeral systems: entropy coding combining speed of Huffman coding with compression rate of arithmetic
coding", 2013: rANS, the variant by ranges (section 2.3), with one state of 32 bits for both streams and the symbols'
own shares, which stand before the words.

Stored: of each stream a byte, the bits of its shares, and these as Elias gamma codes until they sum up to 2^bits; then
the words, 16 bits each, the lowest byte first.
"""

from collections.abc import Sequence

import numpy as np

from emcc.container.bits import BitReader, FormatError, gamma, of_text
from emcc.ir.graph import Array

FINEST = 14


def encoded(streams: Sequence[Array]) -> bytes:
    """The bytes of two streams of as many symbols, integers from 0 to 2^FINEST - 1."""
    from emcc.measure.ans_kernels import put

    both = np.stack([np.asarray(stream, np.int64) for stream in streams])
    if not both.size:
        return b""
    counts = [np.bincount(stream) for stream in both]
    bits, shares = np.zeros(2, np.int64), np.zeros((2, max(map(len, counts))), np.int64)
    front = b""
    for which, own in enumerate(counts):
        bits[which] = min(_fitting(own), key=lambda width: _size(own, width))
        shares[which, : len(own)] = shared(own, int(bits[which]))
        front += bytes([bits[which]]) + of_text(_text(shares[which]))
    starts = np.cumsum(shares, axis=1) - shares
    words = np.zeros(2 * both.shape[1] + 8, np.uint16)
    begin = put(both, starts, shares, bits, words)
    return front + words[begin:].astype("<u2").tobytes()


def decoded(data: bytes, count: int) -> tuple[Array, Array]:
    """The streams, int64 [count] each; FormatError where the bytes are not what `encoded` gives."""
    from emcc.measure.ans_kernels import get, tables

    streams = np.zeros((2, count), np.int64)
    if not count:
        if data:
            raise FormatError(f"{len(data)} bytes too many")
        return streams[0], streams[1]
    at, bits, found = 0, np.zeros(2, np.int64), []
    for which in range(2):
        if at >= len(data) or data[at] > FINEST:
            raise FormatError("shares of no known width")
        bits[which] = data[at]
        own, at = _read(data, at + 1, 1 << data[at])
        found.append(own)
    shares = np.zeros((2, max(map(len, found))), np.int64)
    for row, own in zip(shares, found, strict=True):
        row[: len(own)] = own
    starts = np.cumsum(shares, axis=1) - shares
    if (len(data) - at) % 2:
        raise FormatError("half a word")
    words = np.frombuffer(data[at:], "<u2").astype(np.int64)
    used = get(words, tables(shares, starts, int(bits.max())), starts, shares, bits, streams)
    if used != len(words):
        raise FormatError("words that are not what was coded")
    return streams[0], streams[1]


def shared(counts: Array, bits: int) -> Array:
    """Shares of 2^bits, int64, at least 1 of what occurs: the nearest, and the rest where it costs least."""
    parts, used = 1 << bits, counts > 0
    exact = counts * (parts / counts.sum())
    found = np.where(used, np.maximum(1, np.rint(exact)), 0).astype(np.int64)
    while left := parts - int(found.sum()):
        step = 1 if left > 0 else -1
        able = used if step > 0 else found > 1
        at = np.flatnonzero(able)
        cost = -counts[at] * np.log2((found[at] + step) / found[at])
        chosen = at[np.argsort(cost, kind="stable")[: abs(left)]]
        found[chosen] += step
    return found


def _fitting(counts: Array) -> range:
    """Widths of shares that have one for each symbol that occurs."""
    return range((int(np.count_nonzero(counts)) - 1).bit_length(), FINEST + 1)


def _size(counts: Array, bits: int) -> float:
    """Bits of table and symbols, about."""
    shares = shared(counts, bits)
    used = counts > 0
    return len(_text(shares)) + float((counts[used] * (bits - np.log2(shares[used]))).sum())


def _text(shares: Array) -> str:
    """Shares as gamma codes, up to the one with which they are whole."""
    return "".join(gamma(share) for share in shares[: int(np.flatnonzero(shares)[-1]) + 1].tolist())


def _read(data: bytes, at: int, parts: int) -> tuple[Array, int]:
    """(shares, the byte after them)."""
    reader, found, left = BitReader(data, at), list[int](), parts
    while left:
        if len(found) > 1 << FINEST:
            raise FormatError("more symbols than there are")
        found.append(reader.gamma(left))
        left -= found[-1]
    return np.array(found, np.int64), reader.finish()
