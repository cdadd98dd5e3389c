"""Canonical, length-limited Huffman codes.

A code is its lengths: symbols in order of (length, symbol) get the codewords in ascending order. An alphabet of
which one symbol is used takes no bits a symbol.
"""

from itertools import accumulate

import numpy as np

from emcc.container.bits import BitReader, FormatError, gamma, of_text
from emcc.ir.graph import Array

LIMIT = 15
_FEW = 40


def code_lengths(counts: Array, limit: int = LIMIT) -> Array:
    """Lengths, int64, of the optimal prefix code of at most `limit` bits; 0 for unused symbols and a lone one.

    Package-merge: Larmore and Hirschberg, "A fast algorithm for optimal length-limited Huffman codes", 1990.
    """
    lengths = np.zeros(len(counts), np.int64)
    used = np.flatnonzero(counts)
    n = len(used)
    if n < 2:
        return lengths
    if n > 1 << limit:
        raise ValueError(f"{n} symbols do not fit into {limit} bits")
    used = used[np.argsort(counts[used], kind="stable")]
    if n <= _FEW:
        lengths[used] = _of_few(counts[used].tolist(), limit)
        return lengths
    weights = counts[used].astype(np.int64)
    packages = weights[:0]
    leaves = []
    for _ in range(limit):
        merged = np.concatenate([weights, packages])
        order = np.argsort(merged, kind="stable")
        leaves.append(order < n)
        merged = merged[order]
        packages = merged[: len(merged) // 2 * 2].reshape(-1, 2).sum(1)
    take = 2 * n - 2
    for level in reversed(leaves):
        own = int(level[:take].sum())
        lengths[used[:own]] += 1
        take = 2 * (take - own)
    return lengths


def _of_few(weights: list[int], limit: int) -> list[int]:
    """`code_lengths` of ascending weights: for few symbols NumPy's calls take longer than the work."""
    n, merged, leaves = len(weights), list[int](), list[list[bool]]()
    for _ in range(limit):
        packages = [one + other for one, other in zip(merged[::2], merged[1::2], strict=False)]
        before, level = merged, weights + packages
        order = sorted(range(len(level)), key=level.__getitem__)
        merged = [level[at] for at in order]
        if merged == before:  # and so is every level that follows
            break
        leaves.append([at < n for at in order])
    take, times = 2 * n - 2, [0] * (n + 1)
    for level_of in reversed(leaves + leaves[-1:] * (limit - len(leaves))):
        own = sum(level_of[:take])
        times[own] += 1
        take = 2 * (take - own)
    return list(accumulate(reversed(times[1:])))[::-1]


def codewords(lengths: Array) -> Array:
    """The canonical codewords, int64, 0 where unused."""
    words = np.zeros(len(lengths), np.int64)
    word = previous = 0
    for symbol in np.lexsort((np.arange(len(lengths)), lengths)):
        length = int(lengths[symbol])
        if length:
            word <<= length - previous
            words[symbol] = word
            word, previous = word + 1, length
    return words


def write_table(lengths: Array, lone: int | None = None) -> bytes:
    """The lengths of a code, or the `lone` symbol of one without lengths (None: no symbol at all), as bytes.

    After a 0 bit: a token a symbol, until the code is complete: 1 the last length again, 01s one more (s = 0) or
    less (s = 1) than the last, 001 gamma(n) n + 1 unused symbols, 000llll this length. The first "last" is 4.
    After a 1 bit: gamma(lone + 1), or gamma(0) for None.
    """
    if not lengths.any():
        return of_text("1" + gamma(0 if lone is None else lone + 1))
    bits, last, unused = ["0"], 4, 0
    for length in lengths.tolist():
        if not length:
            unused += 1
            continue
        if unused:
            bits.append("001" + gamma(unused - 1))
            unused = 0
        step = length - last
        bits.append("1" if not step else f"01{int(step < 0)}" if abs(step) == 1 else f"000{length:04b}")
        last = length
    return of_text("".join(bits))


def read_table(data: bytes, begin: int, alphabet: int) -> tuple[Array, int | None, int]:
    """(lengths, lone symbol, the byte after) of a table at byte `begin`. Only complete codes pass."""
    bits = BitReader(data, begin)
    lengths = np.zeros(alphabet, np.int64)
    if bits.take(1):
        lone = bits.gamma(alphabet) - 1
        return lengths, (lone if lone >= 0 else None), bits.finish()
    last, at, left = 4, 0, 1 << LIMIT
    while left:
        if bits.take(1):
            pass
        elif bits.take(1):
            last += -1 if bits.take(1) else 1
        elif bits.take(1):
            at += bits.gamma(alphabet) + 1
            continue
        else:
            last = bits.take(4)
        if not 1 <= last <= LIMIT or at >= alphabet:
            raise FormatError("the Huffman table is not a code")
        lengths[at] = last
        left -= 1 << (LIMIT - last)
        at += 1
        if left < 0:
            raise FormatError("the Huffman table is not a prefix code")
    return lengths, None, bits.finish()


def coded_bits(counts: Array) -> tuple[int, int]:
    """Bits that symbols with these counts take: the table, and the codewords."""
    lengths = code_lengths(counts)
    return len(table(lengths, counts)) * 8, int((lengths * counts).sum())


def table(lengths: Array, counts: Array) -> bytes:
    """The table of a code for symbols with these counts."""
    return write_table(lengths, int(np.argmax(counts)) if counts.any() else None)


def read_lookup(data: bytes, begin: int, alphabet: int) -> tuple[tuple[Array, int] | None, int]:
    """((uint32 [2**peek], symbol << 4 | length for the next `peek` bits; peek), the byte after) of a table.

    None instead of the first if it is the table of no symbol.
    """
    lengths, lone, end = read_table(data, begin, alphabet)
    if not lengths.any():
        return (None if lone is None else (np.array([lone << 4], np.uint32), 0)), end
    peek = int(lengths.max())
    order = np.lexsort((np.arange(len(lengths)), lengths))
    order = order[lengths[order] > 0]
    return (np.repeat((order << 4 | lengths[order]).astype(np.uint32), 1 << (peek - lengths[order])), peek), end
