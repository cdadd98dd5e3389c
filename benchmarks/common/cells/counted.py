"""A Program on a board: its cells by part of the design, after synthesis and packing, without placing."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from emcc.boards import catalogue
from emcc.boards.cells import resources
from emcc.boards.chain import CELLS, chain
from emcc.boards.design import LISTING, Design
from emcc.boards.project import NETLIST, TOP_FILE, project
from emcc.boards.top import TOP
from emcc.driver.emit import emit, of_board
from emcc.eie.store import save_program
from emcc.ir.program import Program
from emcc.link.digest import digest_of
from emcc.tools import nextpnr, yosys
from emcc.tools.absorb import absorb_file
from emcc.tools.verilator import design_files

PACKED = "packed.json"
BOARDS = {"ecp5": "ulx3s-85f", "ice40": "icebreaker", "gowin": "tang-nano-20k"}
"""The board that stands for its family."""

PLACES: Mapping[str, str] = {
    "pe": r"gen_pe(\[\d+\])?\.u_slice\b",
    "lane": r"gen_lane(\[\d+\])?\.u_sum\b",
    "memory": r"u_(ptr|spmat|bias|scale)_\d+\b|gen_pe(\[\d+\])?\.u_act\b",
    "group": r"gen_group(\[\d+\])?\.",
}
"""By part: where its cells are in the design. What is in none of them is "rest"; what nextpnr adds is "added"."""


def design_of(program: Program) -> Design:
    """Return what an artefact of the program brings to a board, with an empty manifest."""
    files = dict(emit(program).files)
    digest = digest_of({"program.npz": save_program(program), **files})
    files |= of_board(program, files, digest)
    kept = {name: content for name, content in files.items() if name.startswith(("rtl/", "rom/"))}
    return Design({"design": {}}, tuple(design_files(kept, LISTING)), kept, program, "")


def counted(program: Program, family: str, folder: Path, words: int | None = None) -> dict[str, Any]:
    """Synthesise and pack a program for the family's board in `folder`: its resources, and LUTs and FFs by part.

    Memories of up to `words` words are made of LUTs; None leaves the choice to the board.
    """
    board, design = catalogue.board(BOARDS[family]), design_of(program)
    made, tools = project(board, design, BOARDS[family]), chain(board)
    made = made if words is None else replace(made, lut_words=words)
    for name, content in {**design.files, **made.files}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    names = [*design.names, TOP_FILE]
    cells = yosys.synthesise(
        names, TOP, tools.synth, cwd=folder, netlist=NETLIST, settings=made.settings, pads=tools.pads
    )
    if family == "ecp5":
        absorb_file(folder / NETLIST)
    # The first two arguments are the constraints; those after them write what is placed.
    used = nextpnr.packed(NETLIST, tools.part, cwd=folder, arguments=[*tools.arguments[:2], "--write", PACKED])
    total = resources(family, cells, used)
    return {**{kind: total[kind] for kind in ("lut", "ff", "bram", "dsp")}, "parts": by_part(folder / PACKED, family)}


def by_part(file: Path, family: str) -> dict[str, list[int]]:
    """Return LUTs and flip-flops by part of a design that nextpnr wrote."""
    (top,) = json.loads(file.read_text("utf-8"))["modules"].values()
    counts: dict[str, list[int]] = {}
    for name, cell in top["cells"].items():
        for column, kinds in enumerate((CELLS[family].lut, CELLS[family].ff)):
            if cell["type"] in kinds:
                counts.setdefault(part_of(name), [0, 0])[column] += 1
    return dict(sorted(counts.items()))


def part_of(name: str) -> str:
    """Return the part that a cell belongs to, by its name."""
    if name.startswith("$nextpnr"):
        return "added"
    return next((part for part, place in PLACES.items() if re.search(place, name)), "rest")
