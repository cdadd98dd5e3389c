"""From a quantised graph to an artefact's folder that `emcc simulate`, Yosys and nextpnr take."""

from dataclasses import replace
from pathlib import Path

from emcc.backends import rom, verilog
from emcc.eie.groups import cycles
from emcc.eie.groups.choice import choose
from emcc.eie.groups.halves import halved
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import save_program
from emcc.files.artefact import Artefact
from emcc.ir.graph import Array, Graph
from emcc.ir.program import Program
from emcc.samples.sampling import by_input


def counted(program: Program, x: Array) -> Array:
    """Count the cycles of integers [n, elements], by the cycle model: int64 [n]."""
    return cycles.count(program, by_input(program, x)).total


def fastest(graph: Graph, options: LowerOptions, x: Array) -> Program:
    """Lower `graph` for the number of groups that the options have, or, of 0, for the one with fewest cycles on x."""
    fitting = (options.groups,) if options.groups else options.fitting

    def count(program: Program) -> float:
        return float(counted(program, x).mean())

    choice = choose(fitting, lambda groups: lower(graph, replace(options, groups=groups)), count)
    return (halved(choice, count) if options.halves else choice).program


def compiled(graph: Graph, options: LowerOptions, folder: Path) -> Program:
    """Lower `graph` and write program.npz, rtl/ and rom/ into `folder`."""
    program = lower(graph, options)
    written(program, folder)
    return program


def written(program: Program, folder: Path) -> None:
    """Write program.npz, rtl/ and rom/ of a program into `folder`."""
    files = {"program.npz": save_program(program), **verilog.render_core(program)}
    files |= rom.render(rom.core_images(program), "hex")
    Artefact(files).write(folder, marker="program.npz")
