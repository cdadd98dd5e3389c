"""What a design needs of a board, before synthesis, and what an inference takes there."""

import pytest
from qgraphs import quantised

from emcc.boards import catalogue
from emcc.boards.board import Board
from emcc.boards.energy import energy
from emcc.boards.needs import LUT_RAM, MARGIN, Needs, there_is
from emcc.eie.blockram import FAMILIES
from emcc.eie.cells.model import cells
from emcc.eie.cells.varying import memories
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions


@pytest.fixture(scope="module")
def context() -> Context:
    """A perceptron on four PEs."""
    program = lower(quantised([300, 120, 60, 9], seed=1), LowerOptions(pes=4, groups=2))
    return Context(program, plan(program))


def with_limits(name: str, **limits: int) -> Board:
    """A board with other limits."""
    board = catalogue.board(name)
    return board.model_copy(update={"limits": board.limits.model_copy(update=limits)})


def test_it_fits_until_less_than_the_margin_is_free(context: Context) -> None:
    own = Needs(catalogue.board("ulx3s-12f"), context)
    needed = own.cells
    assert own.beside == 2 * own.lut_rams > 0
    enough = int((needed.lut + own.beside) / (1 - MARGIN)) + 1
    exact = {"bram": needed.bram, "dsp": needed.dsp}
    fits = Needs(with_limits("ulx3s-12f", lut=enough, **exact), context)
    assert (dict(fits.over), fits.missing) == ({}, 0)
    less = Needs(with_limits("ulx3s-12f", lut=enough - 2, **exact), context)
    assert list(less.over) == ["lut"]
    assert less.missing == 1
    least = {"bram": min(cells(context, "ecp5", words).bram for words in FAMILIES["ecp5"].lut_words), "dsp": needed.dsp}
    for kind, count in least.items():
        assert list(Needs(with_limits("ulx3s-12f", **{kind: count - 1}), context).over) == [kind]


def test_the_refusal_has_all_figures_and_says_what_to_change(context: Context) -> None:
    needs = Needs(with_limits("ulx3s-12f", bram=3, dsp=2), context)
    lines = str(needs.refusal("a design of 4 PEs")).split("\n")
    cells, there = needs.cells, there_is(needs.board)
    assert lines[0] == "a design of 4 PEs does not fit Radiona ULX3S 12F (LFE5U-12F-6BG381C)"
    luts = f"about {cells.lut:,} and {needs.beside:,} beside memories of them needed"
    assert lines[1] == f"  LUTs: {luts}, {there['lut']:,} there, of which 20,644 may be used"
    assert lines[3:5] == [f"  block RAMs: {cells.bram} needed, 3 there", "  multipliers: 4 needed, 2 there"]
    assert lines[5].startswith("  the largest memories, in block RAMs: ")
    assert lines[6].startswith("  hint: ")
    assert "prune more" in lines[6] or "take fewer PEs" in lines[6]
    assert "a board that is large enough: " in lines[6]
    assert "ulx3s-85f" in lines[6]


def test_what_is_to_be_updated_takes_block_rams(context: Context) -> None:
    """Each copy of a ROM is block RAM, however small, and none of it LUTs; what is no ROM stays as it is."""
    apart = Context(context.program, context.plan, updatable=True)
    for name in ("ulx3s-12f", "icebreaker"):
        plain, held = (Needs(with_limits(name, bram=900), one) for one in (context, apart))
        more = {
            one.name: held.blocks(one) - plain.blocks(two)
            for one, two in zip(memories(apart), memories(context), strict=True)
        }
        roms = {one.name: one for one in memories(apart) if one.kind == "rom"}
        assert all(held.blocks(one) >= one.copies for one in roms.values())
        assert {one for one, count in more.items() if count} <= set(roms)
        assert more["codebook"] == 4
        assert held.cells.bram == plain.cells.bram + sum(more.values())
        assert held.cells.lut < plain.cells.lut


def test_boards_that_cannot_be_updated_are_not_named(context: Context) -> None:
    apart = Context(context.program, context.plan, updatable=True)
    hints = [str(Needs(with_limits("ulx3s-12f", bram=1), one).refusal("it")) for one in (context, apart)]
    assert ["tang-nano-20k" in hint for hint in hints] == [True, False]
    assert "ulx3s-85f" in hints[1]


def test_few_luts_of_gowin_parts_can_be_memories(context: Context) -> None:
    """A RAM of 16 x 4 bits for every 32 LUTs: nextpnr found no place for 646 of the 648 of a GW2A-18."""
    rams = Needs(catalogue.board("tang-nano-20k"), context).lut_rams
    enough = 32 * (int(rams / (1 - MARGIN)) + 1)
    assert LUT_RAM not in Needs(with_limits("tang-nano-20k", lut=enough), context).over
    less = Needs(with_limits("tang-nano-20k", lut=enough - 64), context)
    assert LUT_RAM in less.over
    assert f"RAMs of LUTs: {rams} needed" in str(less.refusal("a design"))


def test_flip_flops_of_a_part() -> None:
    shares = {name: there_is(board)["ff"] / board.limits.lut for name, board in every_board().items()}
    assert (shares["ulx3s-85f"], shares["tang-nano-9k"], shares["arty-a7-35t"]) == (1, 0.75, 2)


def test_xilinx_counts_are_at_most(context: Context) -> None:
    needs = Needs(with_limits("arty-a7-35t", lut=500), context)
    assert "LUTs: at most " in str(needs.refusal("it"))
    assert needs.model == "bound"
    models = {Needs(catalogue.board(name), context).model for name in ("ulx3s-12f", "icebreaker", "tang-nano-9k")}
    assert models == {"fitted", "scaled"}


def test_energy_is_of_published_figures_or_there_is_none() -> None:
    board = catalogue.board("icebreaker")
    assert board.power is not None
    found = energy(board, 20_000_000, 1e-3)
    assert found is not None
    # 14.0 mA at 1.214 V, which the source has measured at that clock.
    assert found.joules == pytest.approx(14.0e-3 * 1.214 * 1e-3, rel=0.02)
    assert found.switching
    assert found.source == board.power.source
    assert energy(board.model_copy(update={"power": None}), 20_000_000, 1e-3) is None
    idle = board.power.model_copy(update={"mw_a_mhz": None})
    found = energy(board.model_copy(update={"power": idle}), 20_000_000, 1e-3)
    assert found is not None
    assert (found.joules, found.switching) == (pytest.approx(idle.idle_mw * 1e-6), False)


def every_board() -> dict[str, Board]:
    """All that emcc brings."""
    return {name: catalogue.board(name) for name in catalogue.names()}
