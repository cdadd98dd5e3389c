"""Cells on Xilinx parts, of which there is no model: block RAMs and multipliers counted, LUTs and flip-flops a bound.

A LUT of six inputs does what one of four does, and RAM made of such LUTs is deeper: ECP5's counts are the bound.
Nobody here has run Vivado; block RAMs are counted in halves, as a block of 36 Kbit can be two of 18.
"""

from emcc.eie.blockram import FAMILIES as OTHERS
from emcc.eie.blockram import Family, blocks, blocks_of
from emcc.eie.cells.model import LINK_BLOCKS, Cells, cells
from emcc.eie.cells.multipliers import multipliers
from emcc.eie.cells.varying import memories
from emcc.eie.groups.tables import Context
from emcc.eie.memory import Memory

FAMILIES = ("xc7", "xcup")
_HALVES = Family(OTHERS["ecp5"].shapes, 129, 9, True, (16,))
LUTS_OF = "ecp5"
"""The family whose LUTs are the bound."""


def cells_at_most(context: Context) -> Cells:
    """Return what a design takes on a Xilinx part: LUTs and flip-flops at most, block RAMs of 36 Kbit."""
    bound = cells(context, LUTS_OF)
    halves = sum(blocks_of(one, _HALVES) * one.copies for one in memories(context)) + LINK_BLOCKS
    return Cells(bound.lut, bound.ff, -(-halves // 2), multipliers(context.numbers, "xilinx"))


def blocks_on(memory: Memory, family: str, words: int | None = None) -> int:
    """Return the block RAMs that all copies of a memory take on a family; on Xilinx parts in 36 Kbit.

    `words` as for `blockram.blocks`.
    """
    if family in FAMILIES:
        return -(-blocks_of(memory, _HALVES, words) * memory.copies // 2)
    return blocks(memory, family, words) * memory.copies


def block_bits(family: str) -> int:
    """Return the bits of a block RAM of a family."""
    most = max(words * width for words, width in (_HALVES if family in FAMILIES else OTHERS[family]).shapes)
    return 2 * most if family in FAMILIES else most
