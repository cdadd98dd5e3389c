"""From a quantised graph to the netlist of an array behind few pins, for a design's part."""

from pathlib import Path

from benchmarks.common import pins
from benchmarks.common.design import compiled
from benchmarks.common.parts import Design
from emcc.boards import catalogue
from emcc.boards.lutram import lut_words
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.ir.graph import Graph
from emcc.ir.program import Program
from emcc.tools import nextpnr
from emcc.tools.absorb import absorb_file
from emcc.tools.verilator import design_files
from emcc.tools.yosys import synthesise

NETLIST = "netlist.json"


def synthesised(graph: Graph, design: Design, folder: Path) -> tuple[Program, dict[str, int]]:
    """Compile a graph with the design's options into `folder` and synthesise it there: (the Program, Yosys's cells)."""
    program = compiled(graph, design.options, folder)
    return program, mapped(program, design, folder)


def mapped(program: Program, design: Design, folder: Path) -> dict[str, int]:
    """Synthesise the Program whose rtl/ and rom/ are in `folder` there: Yosys's cells."""
    (folder / "rtl" / pins.FILE).write_text(pins.source(program.act_w), encoding="utf-8")
    for name, text in (design.files or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    names = design_files({f"rtl/{file.name}": file.read_bytes() for file in (folder / "rtl").iterdir()})
    names, family = [*names, f"rtl/{pins.FILE}"], design.part.of
    words = lut_words(catalogue.board(design.board), Context(program, plan(program)))
    settings = "" if words is None else nextpnr.lut_words(words)
    cells = synthesise(names, pins.TOP, family.synth, cwd=folder, netlist=NETLIST, settings=settings, pads=family.pads)
    if design.part.family == "ecp5":
        absorb_file(folder / NETLIST)
    return cells
