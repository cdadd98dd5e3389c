"""Weights that come as a boot image: counted as RAM, and as single-port RAM where a board has that and needs it."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from qgraphs import quantised

from emcc.base.errors import EmccError
from emcc.boards import build, catalogue
from emcc.boards.board import Board
from emcc.boards.design import read_design
from emcc.boards.needs import Needs
from emcc.boards.options import BuildOptions
from emcc.boards.project import project
from emcc.boards.streamed import on_board, spram_count
from emcc.eie.blockram import block_rams, blocks, sprams
from emcc.eie.cells.model import BOOT
from emcc.eie.groups.memory import STREAMED, core_memories
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.program import Program


@pytest.fixture(scope="module")
def program() -> Program:
    return lower(quantised([300, 120, 60, 9], seed=1), LowerOptions(pes=1, groups=1))


def with_limits(name: str, **limits: int) -> Board:
    board = catalogue.board(name)
    return board.model_copy(update={"limits": board.limits.model_copy(update=limits)})


def memories(board: Board, program: Program, streamed: bool = True) -> Mapping[str, Any]:
    return {one.name: one for one in core_memories(on_board(board, program, streamed=streamed))}


def test_they_are_rams_and_only_they(program: Program) -> None:
    board = catalogue.board("ulx3s-12f")
    roms, rams = memories(board, program, False), memories(board, program)
    assert {name: one.kind for name, one in rams.items() if name in STREAMED} == dict.fromkeys(
        [name for name in STREAMED if name in rams], "ram"
    )
    assert {name: one for name, one in rams.items() if name not in STREAMED} == {
        name: one for name, one in roms.items() if name not in STREAMED
    }


def test_as_few_are_of_one_port_as_make_block_rams_enough(program: Program) -> None:
    without = with_limits("icebreaker", spram=0)
    least = Needs(without, on_board(without, program, streamed=True))
    entries = blocks(memories(without, program)["spmat"], "ice40")
    taken = sprams(replace(memories(without, program)["spmat"], kind="spram"))
    assert entries > 1

    def kinds(**limits: int) -> dict[str, str]:
        found = memories(with_limits("icebreaker", **limits), program)
        return {name: one.kind for name, one in found.items() if one.kind == "spram"}

    assert kinds(bram=least.cells.bram) == {}
    assert kinds(bram=least.cells.bram - 1) == {"spmat": "spram"}
    assert kinds(bram=least.cells.bram - entries) == {"spmat": "spram"}
    assert kinds(bram=least.cells.bram - entries - 1) == {"spmat": "spram", "ptr": "spram"}
    assert kinds(bram=1, spram=taken) == {"spmat": "spram"}
    assert kinds(bram=1, spram=taken - 1) == {}
    board = with_limits("icebreaker", bram=least.cells.bram - entries)
    fits = Needs(board, on_board(board, program, streamed=True))
    assert fits.cells.bram == least.cells.bram - entries
    assert spram_count(fits.context) == taken
    assert memories(catalogue.board("ulx3s-12f"), program)["spmat"].kind == "ram"


def test_what_decodes_them_is_counted(program: Program) -> None:
    board = catalogue.board("ulx3s-85f")
    rom, ram = (Needs(board, on_board(board, program, streamed=streamed)) for streamed in (False, True))
    held = [block_rams(core_memories(need.context), "ecp5", need.lut_words) for need in (rom, ram)]
    assert held[1] >= held[0]  # Words that are written lie beside each other in bytes of their own.
    assert ram.cells.bram - held[1] == rom.cells.bram - held[0] + BOOT["bram"]
    assert ram.cells.lut > rom.cells.lut


@pytest.fixture
def streamed(artefact: Path, tmp_path: Path) -> Path:
    """An artefact that says that its weights are streamed."""
    folder = tmp_path / "a"
    shutil.copytree(artefact, folder)
    manifest = json.loads((folder / "emcc.json").read_text())
    manifest["design"] |= {"boot_structure": "00" * 8, "boot_bytes": 1}
    (folder / "emcc.json").write_text(json.dumps(manifest))
    return folder


def test_synthesis_is_told(streamed: Path, program: Program) -> None:
    design = replace(read_design(streamed), program=program)
    assert design.streamed
    board = with_limits("icebreaker", bram=1)
    size = on_board(board, program, streamed=True).spram_bits
    made = project(board, design, "mine")
    assert made.settings == f"chparam -set SumLutWords 0 emcc_top; chparam -set SpramBits {size} emcc_top"
    assert f"; {made.settings}; synth_ice40" in made.files["build.sh"].decode()
    assert "SpramBits" not in project(catalogue.board("ulx3s-12f"), design, "mine").settings


def test_there_is_nothing_to_update(streamed: Path) -> None:
    with pytest.raises(EmccError, match="weights come as a stream"):
        build.build(streamed, BuildOptions("ulx3s-12f", updatable=True), print)
