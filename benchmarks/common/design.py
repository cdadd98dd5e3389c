"""From a quantised graph to an artefact's folder that `emcc simulate`, Yosys and nextpnr take."""

from pathlib import Path

from emcc.backends import rom, verilog
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import save_program
from emcc.files.artefact import Artefact
from emcc.ir.graph import Graph
from emcc.ir.program import Program


def compiled(graph: Graph, options: LowerOptions, folder: Path) -> Program:
    """Lower `graph` and write program.npz, rtl/ and rom/ into `folder`."""
    program = lower(graph, options)
    written(program, folder)
    return program


def written(program: Program, folder: Path) -> None:
    """Write program.npz, rtl/ and rom/ of a program into `folder`."""
    files = {"program.npz": save_program(program), **verilog.render(program)}
    files |= rom.render(rom.images(program), "hex")
    Artefact(files).write(folder, marker="program.npz")
