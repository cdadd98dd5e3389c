"""Compiled inner loops of the ANS coder."""

import numpy as np

from emcc.base.jit import compiled
from emcc.ir.graph import Array

LOW = 1 << 16
"""The least state between symbols; the largest is 2^32 - 1, and what leaves or enters it are 16 bits at a time."""


@compiled
def put(streams: Array, starts: Array, shares: Array, bits: Array, words: Array) -> int:
    """Fill uint16 `words` from the end; return where they begin, -1 where there is no room.

    streams: int64 [2, n], coded from the last to the first, the second stream's before the first one's.
    starts, shares: int64 [2, alphabet], in parts of 2^bits[stream].
    """
    state, at = LOW, len(words)
    for i in range(streams.shape[1] - 1, -1, -1):
        for which in range(1, -1, -1):
            symbol = streams[which, i]
            share = shares[which, symbol]
            if at < 3:
                return -1
            if state >= ((LOW >> bits[which]) << 16) * share:
                at -= 1
                words[at] = state & 0xFFFF
                state >>= 16
            state = ((state // share) << bits[which]) + state % share + starts[which, symbol]
    words[at - 1], words[at - 2] = state & 0xFFFF, state >> 16
    return at - 2


@compiled
def get(words: Array, symbols: Array, starts: Array, shares: Array, bits: Array, streams: Array) -> int:
    """Fill int64 `streams` [2, n]; return how many of int64 `words` that took, -1 where it is not what `put` gives.

    symbols: int64 [2, 2^most bits], by the low bits of the state.
    """
    if len(words) < 2:
        return -1
    state, at = words[0] << 16 | words[1], 2
    if state < LOW:
        return -1
    for i in range(streams.shape[1]):
        for which in range(2):
            slot = state & ((1 << bits[which]) - 1)
            symbol = symbols[which, slot]
            streams[which, i] = symbol
            state = shares[which, symbol] * (state >> bits[which]) + slot - starts[which, symbol]
            if state < LOW:
                if at == len(words):
                    return -1
                state = state << 16 | words[at]
                at += 1
    return at if state == LOW else -1


def tables(shares: Array, starts: Array, most: int) -> Array:
    """int64 [2, 2^most]: the symbol of each slot."""
    found = np.zeros((2, 1 << most), np.int64)
    for which in range(2):
        for symbol in np.flatnonzero(shares[which]):
            found[which, starts[which, symbol] : starts[which, symbol] + shares[which, symbol]] = symbol
    return found
