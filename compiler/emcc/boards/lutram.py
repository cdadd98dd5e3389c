"""Which memories of a design are made of LUTs on a board: more of them where its block RAMs are too few.

The one place that chooses: the model of cells, `emcc compile --board` and `emcc bitstream` ask here, so that an
artefact is the same for all boards, and each board's project sets emcc_top's parameter.
"""

from emcc.boards.board import Board
from emcc.eie.blockram import FAMILIES, enough_words
from emcc.eie.cells.model import BOOT, LINK_BLOCKS
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.tables import Context


def lut_words(board: Board, context: Context) -> int | None:
    """Return emcc_top's SumLutWords for a design on a board; None where the RTL's own stays (Xilinx parts).

    It is the smallest at which the block RAMs are enough; where none is, the one that takes fewest.
    """
    family = board.part.family
    if family not in FAMILIES:
        return None
    beside = LINK_BLOCKS + (BOOT["bram"] if context.streamed else 0)
    return enough_words(core_memories(context), family, board.limits.bram - beside)
