"""Designs whose weights come as a boot image, on a board: which memories have one port there, and are SPRAM.

As in lutram.py an artefact is the same for all boards, and each board's project sets emcc_top's parameter.
"""

from emcc.boards.board import Board
from emcc.eie.blockram import FAMILIES, block_rams, sprams
from emcc.eie.cells.model import BOOT, LINK_BLOCKS
from emcc.eie.groups.memory import STREAMED, core_memories
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.ir.program import Program

FAMILY = "ice40"
"""The family with SPRAM."""


def on_board(board: Board, program: Program, updatable: bool = False, streamed: bool = False) -> Context:
    """Return a program's context for a board.

    Of `streamed` weights the largest memories are SPRAM where the board has any: as few as make its block RAMs enough,
    or as many as there are.
    """
    made = plan(program)
    context = Context(program, made, updatable, streamed)
    if not streamed or board.part.family != FAMILY or not board.limits.spram:
        return context
    sizes = {one.depth * one.width for one in core_memories(context) if one.name in STREAMED}
    tried = [context, *(Context(program, made, updatable, True, size) for size in sorted(sizes, reverse=True))]
    possible = [one for one in tried if spram_count(one) <= board.limits.spram]
    return next((one for one in possible if _block_rams(one) <= board.limits.bram), possible[-1])


def spram_count(context: Context) -> int:
    """Return the SPRAMs of a design."""
    return sum(sprams(one) * one.copies for one in core_memories(context))


def _block_rams(context: Context) -> int:
    words = FAMILIES[FAMILY].lut_words[0]
    return block_rams(core_memories(context), FAMILY, words) + LINK_BLOCKS + BOOT["bram"]
