"""Digits of four bits as Huffman codewords of at most seven, in three streams that take turns: emcc_huffman.sv.

Digit n belongs to stream n mod 3. A stream that holds fewer than seven bits when its turn comes takes the next byte.
"""

import numpy as np

from emcc.base.jit import compiled
from emcc.container.huffman import code_lengths, codewords
from emcc.ir.graph import Array

LIMIT = 7
"""Bits of the longest codeword."""

TABLES = 4
"""One for each of a word's three lowest digits, one for the rest."""

ROWS = 1 << LIMIT
SYMBOLS = 16
STREAMS = 3


def digits(words: Array, count: int) -> Array:
    """Return the digits of words, highest first: uint8 [words, count]."""
    shifts = np.uint64(4) * np.arange(count - 1, -1, -1, dtype=np.uint64)
    return ((words.astype(np.uint64)[:, None] >> shifts) & np.uint64(15)).astype(np.uint8)


def words_of(symbols: Array, count: int) -> Array:
    """Return the words of digits: uint64 [words]."""
    result = np.zeros(len(symbols) // count, np.uint64)
    for column in symbols.reshape(-1, count).T:
        result = result << np.uint64(4) | column.astype(np.uint64)
    return result


def tables_of(count: int) -> Array:
    """Return the table of each of a word's digits, highest first: uint8 [count]."""
    return np.minimum(np.arange(count - 1, -1, -1), TABLES - 1).astype(np.uint8)


def lengths_of(counts: Array) -> Array:
    """Return the bits of each symbol's codeword, int64 [16]; a lone symbol has a bit."""
    lengths = code_lengths(counts, LIMIT)
    return lengths if lengths.any() else (np.asarray(counts) > 0).astype(np.int64)


def table_bytes(lengths: Array) -> bytes:
    """Return a table as it is sent: {symbol, 0, length} in the order of codewords, 0 for rows without a codeword."""
    order = np.lexsort((np.arange(SYMBOLS), lengths))
    rows = bytes(int(symbol) << 4 | int(lengths[symbol]) for symbol in order if lengths[symbol])
    complete = int((ROWS >> lengths[lengths > 0]).sum()) == ROWS
    return rows if complete else rows + b"\0"


def read_tables(data: bytes, at: int) -> tuple[Array, int] | None:
    """Return (rows of four tables, uint8 [4 * 128]: symbol << 4 | length; the byte behind), None if they are none."""
    rows = np.zeros(TABLES * ROWS, np.uint8)
    filled = 0
    while filled < len(rows):
        if at == len(data) or data[at] & 8:
            return None
        length = data[at] & 7
        size = ROWS >> length if length else ROWS - filled % ROWS
        if length and filled % size:
            return None
        rows[filled : filled + size] = data[at] if length else 0
        filled, at = filled + size, at + 1
    return rows, at


def encode(symbols: Array, tables: Array, lengths: Array) -> bytes:
    """Return the bytes of digits, each with its table (uint8 both); `lengths` int64 [4, 16]."""
    codes = np.array([codewords(row) for row in lengths])
    room = np.zeros(len(symbols) + 2 * STREAMS, np.uint8)
    return room[: _encode(symbols, tables, lengths, codes, room)].tobytes()


def decode(data: bytes, at: int, tables: Array, rows: Array) -> tuple[Array, int] | None:
    """Return (digits of those tables, uint8; the byte behind), or None where a codeword or a byte is not there."""
    symbols = np.zeros(len(tables), np.uint8)
    end = _decode(np.frombuffer(data, np.uint8), at, tables, rows, symbols)
    return None if end < 0 else (symbols, int(end))


@compiled
def _encode(symbols: Array, tables: Array, lengths: Array, codes: Array, room: Array) -> int:
    size = 0
    places = np.zeros((STREAMS, len(symbols) + 1), np.int64)
    taken, held, written = np.zeros(STREAMS, np.int64), np.zeros(STREAMS, np.int64), np.zeros(STREAMS, np.int64)
    for n in range(len(symbols)):
        turn = n % STREAMS
        if held[turn] < LIMIT:
            places[turn, taken[turn]] = size
            taken[turn] += 1
            held[turn] += 8
            size += 1
        length, code = lengths[tables[n], symbols[n]], codes[tables[n], symbols[n]]
        for bit in range(length):
            at = written[turn] + bit
            room[places[turn, at >> 3]] |= np.uint8((code >> (length - 1 - bit) & 1) << (7 - (at & 7)))
        written[turn] += length
        held[turn] -= length
    return size


@compiled
def _decode(data: Array, at: int, tables: Array, rows: Array, symbols: Array) -> int:
    held, bits = np.zeros(STREAMS, np.int64), np.zeros(STREAMS, np.int64)
    for n in range(len(symbols)):
        turn = n % STREAMS
        if held[turn] < LIMIT:
            if at == len(data):
                return -1
            bits[turn] = (bits[turn] << 8 | np.int64(data[at])) & 0x3FFF
            held[turn] += 8
            at += 1
        row = rows[np.int64(tables[n]) * ROWS + (bits[turn] >> (held[turn] - LIMIT) & (ROWS - 1))]
        if row & 7 == 0:
            return -1
        symbols[n] = row >> 4
        held[turn] -= row & 7
    return at
