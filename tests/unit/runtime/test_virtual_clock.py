"""A virtual board's clock lets the link be done with a frame before the next one ends."""

from emcc.link.protocol import PAYLOAD
from emcc.runtime.board.virtual import CLOCKS_A_BIT

SHORTEST = 8
"""Bytes of a poll: flag, command, number, CRC, flag."""

BITS = 10
"""Of a byte on the line."""

PUSH = 3
"""Clocks in which the link gives the accelerator a byte (hw/rtl/emcc_link.sv)."""


def test_the_longest_frame_is_taken_while_the_shortest_comes() -> None:
    assert SHORTEST * BITS * CLOCKS_A_BIT > PUSH * PAYLOAD
