"""From a quantised graph to the netlist of an array behind few pins, for a design's part."""

from pathlib import Path

from benchmarks.common import pins
from benchmarks.common.absorb import absorb_file
from benchmarks.common.design import compiled
from benchmarks.common.parts import Design
from emcc.ir.graph import Graph
from emcc.ir.program import Program
from emcc.tools.verilator import design_files
from emcc.tools.yosys import synthesise

NETLIST = "netlist.json"


def synthesised(graph: Graph, design: Design, folder: Path) -> tuple[Program, dict[str, int]]:
    """Compile a graph with the design's options into `folder` and synthesise it there: (the Program, Yosys's cells)."""
    program = compiled(graph, design.options, folder)
    (folder / "rtl" / pins.FILE).write_text(pins.source(program.act_w), encoding="utf-8")
    for name, text in (design.files or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    names = design_files({f"rtl/{file.name}": file.read_bytes() for file in (folder / "rtl").iterdir()})
    names, family = [*names, f"rtl/{pins.FILE}"], design.part.of
    cells = synthesise(
        names, pins.TOP, family.synth, cwd=folder, netlist=NETLIST, settings=family.settings, pads=family.pads
    )
    if design.part.family == "ecp5":
        absorb_file(folder / NETLIST)
    return program, cells
