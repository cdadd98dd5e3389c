"""Compiled inner loops, for streams that are long enough to pay for loading numba."""

from emcc.ir.graph import Array
from emcc.jit import compiled


@compiled
def decode_stream(padded: Array, peek: int, table: Array, symbols: Array) -> int:
    """Fills `symbols` from bytes with three zero bytes at the end; returns the bits used, at most one more than all.

    table: uint32 [2**peek], symbol << 4 | length for the next `peek` bits.
    """
    last = (len(padded) - 3) * 8
    mask = (1 << peek) - 1
    at = 0
    for i in range(len(symbols)):
        byte = at >> 3
        word = padded[byte] << 16 | padded[byte + 1] << 8 | padded[byte + 2]
        entry = table[(word >> (24 - peek - (at & 7))) & mask]
        symbols[i] = entry >> 4
        at = min(at + (entry & 15), last + 1)
    return at
