"""A binary range coder (Martin, "Range encoding", 1979), compiled, of 32 bits of range, with carries propagated.

`state` is int64: whether it writes, the byte in `data`, the low end (writing) or what is above it (reading), the range,
whether `data` was too short, the part that is being coded, and what each part cost by the probabilities in 2**-20 bits.
"""

import numpy as np

from emcc.base.jit import compiled
from emcc.ir.graph import Array

WRITES, AT, LOW, RANGE, FULL, PART, COSTS = range(7)
PARTS = 2


def _costs() -> Array:
    share = np.arange(65537).clip(1)
    bits: Array = np.rint(-np.log2(share / 65536) * (1 << 20))
    return bits.astype(np.int32)


# By probability in 2**-16: the information of what happens with it, in 2**-20 bits. For the size table only.
COST = _costs()


def new_state(writes: bool, data: Array) -> Array:
    """The state of a coder that begins; `data` is uint8. Past its end, zeros are read."""
    state = np.zeros(COSTS + PARTS, np.int64)
    state[WRITES], state[RANGE] = writes, (1 << 32) - 1
    if not writes:
        state[AT], state[LOW] = 4, int.from_bytes(data[:4].tobytes().ljust(4, b"\0"), "big")
    return state


@compiled
def code_bit(state: Array, data: Array, share: int, bit: int) -> int:
    """Write `bit`, or read and return one, that is 1 with probability share / 2**16, 0 < share < 2**16."""
    bound = (state[RANGE] * share) >> 16
    if not state[WRITES]:
        bit = int(state[LOW] < bound)
    if bit:
        state[RANGE] = bound
        state[COSTS + state[PART]] += COST[share]
    else:
        state[LOW] += bound if state[WRITES] else -bound
        state[RANGE] -= bound
        state[COSTS + state[PART]] += COST[65536 - share]
    while state[RANGE] < 1 << 24:
        state[RANGE] <<= 8
        if state[WRITES]:
            _put_byte(state, data)
        else:
            _get_byte(state, data)
    return bit


@compiled
def close_coder(state: Array, data: Array) -> int:
    """End writing with the number of the fewest bytes in the range; return the bytes, zeros at the end left out."""
    for zeros in range(32, -1, -8):
        number = -(-state[LOW] >> zeros) << zeros
        if number < state[LOW] + state[RANGE]:
            state[LOW] = number
            break
    for _ in range(4):
        _put_byte(state, data)
    size = state[AT]
    while size > 0 and data[size - 1] == 0:
        size -= 1
    return int(size)


@compiled
def _get_byte(state: Array, data: Array) -> None:
    state[LOW] <<= 8
    if state[AT] < len(data):
        state[LOW] |= data[state[AT]]
    state[AT] += 1


@compiled
def _put_byte(state: Array, data: Array) -> None:
    """Move the highest of the low end's 32 bits, and the carry above them, into `data`."""
    if state[AT] == len(data):
        state[FULL], state[AT] = 1, 0
    at = state[AT]
    if state[LOW] >> 32:
        back = at - 1
        while back >= 0 and data[back] == 255:
            data[back] = 0
            back -= 1
        if back >= 0:
            data[back] += 1
    data[at] = (state[LOW] >> 24) & 255
    state[AT] = at + 1
    state[LOW] = (state[LOW] & 0xFFFFFF) << 8
