"""Where block RAMs are too few, memories are made of LUTs: chosen in one place, and known wherever a design is made."""

from dataclasses import replace
from pathlib import Path

import pytest
from qgraphs import quantised

from emcc.boards import catalogue, fit
from emcc.boards.board import Board
from emcc.boards.design import Design, read_design
from emcc.boards.lutram import lut_words
from emcc.boards.needs import Needs
from emcc.boards.project import project
from emcc.eie.blockram import FAMILIES, block_rams, enough_words
from emcc.eie.cells.model import cells
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.eie.lower import lower
from emcc.eie.memory import Memory
from emcc.eie.options import LowerOptions

MEMORIES = (
    Memory("spmat", "rom", 4096, 8, 4, "pe"),  # two blocks each
    Memory("accumulators", "ram", 20, 26, 8),
    Memory("activations", "ram", 70, 8, 4),
    Memory("activation queue", "fifo", 16, 32, 4),  # of LUTs at any rate
)


def with_blocks(name: str, bram: int) -> Board:
    """A board with so many block RAMs."""
    board = catalogue.board(name)
    return board.model_copy(update={"limits": board.limits.model_copy(update={"bram": bram})})


@pytest.fixture(scope="module")
def context() -> Context:
    """A perceptron on four PEs, with accumulators of 60 words and activations of 105."""
    program = lower(quantised([300, 120, 60, 9], seed=1), LowerOptions(pes=4, groups=2))
    return Context(program, plan(program))


def test_the_smallest_number_of_words_that_is_enough() -> None:
    taken = {words: block_rams(MEMORIES, "ecp5", words) for words in FAMILIES["ecp5"].lut_words}
    assert taken == {16: 20, 32: 12, 64: 12, 128: 8}
    assert [enough_words(MEMORIES, "ecp5", most) for most in (99, 20, 19, 12, 11, 8)] == [16, 16, 32, 32, 128, 128]
    # Where none is enough, the one with fewest; of equals the smallest.
    assert enough_words(MEMORIES, "ecp5", 7) == 128
    assert enough_words(MEMORIES[:2], "ecp5", 1) == 32
    assert enough_words(MEMORIES, "ice40", 0) == 0


def test_what_is_said_without_words_is_the_first() -> None:
    for family, mapped in FAMILIES.items():
        assert list(mapped.lut_words) == sorted(mapped.lut_words)
        assert block_rams(MEMORIES, family) == block_rams(MEMORIES, family, mapped.lut_words[0])


def test_a_board_with_few_block_rams_takes_luts_for_them(context: Context) -> None:
    plenty, exact = catalogue.board("ulx3s-12f"), {words: cells(context, "ecp5", words) for words in (16, 64, 128)}
    assert exact[16].bram > exact[64].bram > exact[128].bram
    assert exact[16].lut < exact[128].lut
    assert lut_words(plenty, context) == 16
    for words, counted in exact.items():
        needs = Needs(with_blocks("ulx3s-12f", counted.bram), context)
        assert (needs.lut_words, needs.cells, dict(needs.over)) == (words, counted, {})
    short = Needs(with_blocks("ulx3s-12f", exact[128].bram - 1), context)
    assert list(short.over) == ["bram"]
    assert short.cells == exact[128]


def test_synthesis_is_told_the_same(context: Context, artefact: Path) -> None:
    design = replace(read_design(artefact), program=context.program)
    for bram, words in ((cells(context, "ecp5", 16).bram, 16), (cells(context, "ecp5", 64).bram, 64)):
        board = with_blocks("ulx3s-12f", bram)
        made = project(board, design, "mine")
        assert made.settings == f"chparam -set SumLutWords {words} emcc_top"
        assert f"; {made.settings}; synth_ecp5 " in made.files["build.sh"].decode()
        fit.check_before(board, context)
    assert settings("icebreaker", design) == "chparam -set SumLutWords 0 emcc_top"
    assert settings("tang-nano-20k", design) == "chparam -set SumLutWords 64 emcc_top"
    assert settings("arty-a7-35t", design) == ""


def settings(name: str, design: Design) -> str:
    """The command that Yosys gets for a board."""
    return project(catalogue.board(name), design, name).settings


def test_a_design_may_need_luts_to_be_let_through(context: Context) -> None:
    # Of the accumulators alone, which the RTL asks block RAM for beyond so many words
    memories = core_memories(context)
    few, many = (sum(fit.sure_blocks(memories, "ecp5", words).values()) for words in (16, 128))
    assert few - many == 8
    fit.check_before(with_blocks("ulx3s-12f", many), context)
