"""What does not fit: said with figures before synthesis, and after it before placing."""

from pathlib import Path

import pytest
from commands import run
from qgraphs import quantised
from stands import Tools, facts

from emcc.base.errors import EmccError
from emcc.boards import catalogue, fit
from emcc.boards.board import Board
from emcc.eie.blockram import FAMILIES, block_rams
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.eie.lower import lower
from emcc.eie.memory import Memory
from emcc.eie.options import LowerOptions
from emcc.ir.program import Program
from emcc.resources import folder


@pytest.fixture(scope="module")
def program() -> Program:
    """A perceptron on four PEs."""
    return lower(quantised([300, 120, 60, 9], seed=1), LowerOptions(pes=4, groups=2))


def with_limits(name: str, **limits: int) -> Board:
    """A board with other limits."""
    board = catalogue.board(name)
    return board.model_copy(update={"limits": board.limits.model_copy(update=limits)})


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_sure_is_a_part_of_the_whole(family: str, program: Program) -> None:
    memories = core_memories(Context(program, plan(program)))
    sure = fit.sure_blocks(memories, family)
    assert 0 < sum(sure.values()) <= block_rams(memories, family)
    assert set(sure) >= {one.name for one in memories if one.large}


def test_sure_blocks_of_some_memories() -> None:
    memories = (
        Memory("spmat", "rom", 4096, 8, 3, "pe"),  # 32 kbit: two blocks of 2048 x 9 each
        Memory("ptr", "rom", 16, 8, 3, "pe"),  # small: Yosys's choice
        Memory("accumulators", "ram", 65, 36, 2),  # deeper than LUTs are used for
    )
    assert fit.sure_blocks(memories, "gowin") == {"spmat": 6, "accumulators": 2}
    assert fit.sure_blocks(memories, "ice40") == {"spmat": 24}


def test_a_board_too_small(program: Program) -> None:
    context = Context(program, plan(program))
    fit.check_before(catalogue.board("ulx3s-12f"), context)
    with pytest.raises(EmccError) as raised:
        fit.check_before(with_limits("ulx3s-12f", bram=3, dsp=2), context)
    lines = str(raised.value).split("\n")
    assert lines[0] == "the design does not fit Radiona ULX3S 12F (LFE5U-12F-6BG381C)"
    memories = core_memories(context)
    # Too few at any rate: most of the others are made of LUTs
    blocks = sum(fit.sure_blocks(memories, "ecp5", FAMILIES["ecp5"].lut_words[-1]).values())
    assert lines[1:3] == [f"  block RAMs: at least {blocks} of 3", "  multipliers: at least 4 of 2"]
    assert lines[3].startswith("  the largest memories: ")
    assert lines[4].startswith("  hint: compile for fewer PEs, compress more, or take a larger board; enough for these")
    assert "ulx3s-85f" in lines[4]


def test_it_is_said_before_any_tool_runs(artefact: Path, tmp_path: Path) -> None:
    text = (folder("boards") / "icebreaker.toml").read_text("utf-8")
    (tmp_path / "mine.toml").write_text(text.replace("dsp   = 8", "dsp   = 1"), encoding="utf-8")
    said = run("bitstream", str(artefact), "--board", str(tmp_path / "mine.toml"), code=2)
    assert "emcc: error: the design does not fit 1BitSquared iCEBreaker (iCE40UP5K-SG48)\n" in said
    assert "  multipliers: at least 2 of 1\n" in said
    assert not (artefact / "boards").exists()


def test_what_yosys_counts_is_not_placed(artefact: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    run("bitstream", str(artefact), "--board", "icebreaker")
    cells = {"SB_LUT4": 6000, "SB_RAM40_4K": 20, "SB_RAM40_4KNR": 11, "SB_MAC16": 8}
    synthesise = tools.synthesise
    monkeypatch.setattr("emcc.tools.yosys.synthesise", lambda *a, **k: synthesise(*a, **k) and cells)
    tools.fails = {"nextpnr": "it was called"}
    said = run("bitstream", str(artefact), "--board", "icebreaker", code=2)
    assert "the design does not fit 1BitSquared iCEBreaker (iCE40UP5K-SG48)\n" in said
    assert "  LUTs: 6,000 of 5,280\n  block RAMs: 31 of 30\n  hint: " in said
    place = artefact / "boards/icebreaker"
    assert facts(artefact)["status"] == "failed"
    assert facts(artefact)["resources"] == {}
    assert (place / "logs/yosys.log").is_file()
    assert not (place / "emcc.bin").exists()
