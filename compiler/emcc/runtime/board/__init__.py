"""A board at a serial line, or a virtual one: what `emcc run --port` and `emcc board` are made of."""

from emcc.runtime.board.board import Board

__all__ = ["Board"]
