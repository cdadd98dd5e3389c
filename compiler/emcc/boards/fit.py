"""Whether a design fits a board: before any synthesis by its memories and multipliers, after it by Yosys's cells."""

from collections.abc import Iterator, Mapping

from emcc.base.errors import EmccError
from emcc.boards import catalogue
from emcc.boards.board import Board
from emcc.boards.cells import synthesised
from emcc.boards.lutram import lut_words
from emcc.eie.blockram import FAMILIES, blocks
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.tables import Context
from emcc.eie.memory import Memory

WORDS = {"lut": "LUTs", "ff": "flip-flops", "bram": "block RAMs", "dsp": "multipliers", "spram": "single-port RAMs"}
_SHOWN = 4


def check_before(board: Board, context: Context) -> None:
    """Raise EmccError where the memories that are surely block RAM, or a multiplier a PE, are more than there are.

    `context`: of the board, see streamed.on_board.
    """
    if board.part.family not in FAMILIES:
        return
    program = context.program
    taken = _sure(context, board)
    needs, limits = {"bram": sum(taken.values()), "dsp": program.pes}, board.limits.model_dump()
    lines = [
        f"{WORDS[kind]}: at least {need:,} of {limits[kind]:,}" for kind, need in needs.items() if need > limits[kind]
    ]
    if not lines:
        return
    largest = sorted(taken.items(), key=lambda item: -item[1])[:_SHOWN]
    lines.append(f"the largest memories: {', '.join(f'{name} {count:,}' for name, count in largest)} block RAMs")
    raise _too_large(board, lines, list(_enough(context)))


def after(board: Board, cells: Mapping[str, int]) -> EmccError | None:
    """Return an error where Yosys's cells are more than the part has: nextpnr need not try."""
    limits, needs = board.limits.model_dump(), synthesised(board.part.family, cells)
    lines = [
        f"{WORDS[kind]}: {need:,} of {limits[kind]:,}" for kind, need in needs.items() if need > limits.get(kind, need)
    ]
    return _too_large(board, lines, []) if lines else None


def sure_blocks(memories: tuple[Memory, ...], family: str, words: int | None = None) -> dict[str, int]:
    """Return the block RAMs, by memory, of those whose RTL asks for block RAM on the family: a lower bound.

    Others Yosys puts where it likes. Bits that are the same in all words it drops. `words` as for `blockram.blocks`.
    """
    most = FAMILIES[family].lut_words[0] if words is None else words
    sure = (one for one in memories if one.in_block or (most and one.name == "accumulators" and one.depth > most))
    return {one.name: blocks(one, family, most) * one.copies for one in sure}


def _sure(context: Context, board: Board) -> dict[str, int]:
    """Return them of a design on a board."""
    return sure_blocks(core_memories(context), board.part.family, lut_words(board, context))


def _enough(context: Context) -> Iterator[str]:
    """Give the names of boards that have the memories and multipliers."""
    for name in catalogue.names():
        board = catalogue.board(name)
        if board.part.family not in FAMILIES or board.limits.dsp < context.program.pes:
            continue
        if sum(_sure(context, board).values()) <= board.limits.bram:
            yield name


def _too_large(board: Board, lines: list[str], enough: list[str]) -> EmccError:
    larger = f"; enough for these have {', '.join(enough)}" if enough else ""
    return EmccError(
        f"the design does not fit {board.title} ({board.part.name})",
        details=lines,
        hint=f"compile for fewer PEs, compress more, or take a larger board{larger}",
    )
