"""Block RAMs of several designs on three families: the table of memories against Yosys's netlists.

    python benchmarks/block_rams.py [--json FILE] [--designs NAME...] [--families NAME...]

Fails where the counts differ, on iCE40 where Yosys takes more (see eie/blockram.py). nextpnr packs a block RAM of the
netlist into one of the part's.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz  # noqa: F401 (finds the tests' graphs)
from benchmarks.common.design import compiled
from emcc.eie.blockram import FAMILIES, block_rams
from emcc.eie.layout import Layout
from emcc.eie.memory import memories
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Graph
from emcc.tools import nextpnr
from emcc.tools.verilator import design_files
from emcc.tools.yosys import synthesise

from qgraphs import quantised  # isort: skip

BLOCKS = ("DP16KD", "SB_RAM40_4K", "SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B", "pROM", "pROMX9")
DESIGNS: Mapping[str, tuple[Graph, LowerOptions]] = {
    "small": (quantised([25, 9], seed=3, code_w=8), LowerOptions(pes=2)),
    "relu": (quantised([300, 120, 60, 9], seed=1), LowerOptions(pes=4)),
    "table": (quantised([60, 40, 9], functions=["table", "identity"], seed=2), LowerOptions(pes=3, queue_depth=16)),
    "large": (quantised([700, 600, 400, 50], seed=3, code_w=8, density=0.1), LowerOptions(pes=8)),
}


def counted(name: str, family: str, folder: Path) -> dict[str, Any]:
    """Synthesise a design for a family: its block RAMs by the table and by Yosys."""
    graph, options = DESIGNS[name]
    program = compiled(graph, options, folder)
    names = design_files({f"rtl/{file.name}": file.read_bytes() for file in (folder / "rtl").iterdir()})
    how = nextpnr.FAMILIES[family]
    cells = synthesise(names, "emcc_top", how.synth, cwd=folder, settings=how.settings)
    taken = sum(count for cell, count in cells.items() if cell in BLOCKS)
    return {"design": name, "family": family, "table": block_rams(memories(Layout(program)), family), "yosys": taken}


def is_right(row: Mapping[str, Any]) -> bool:
    """Whether the table says what Yosys found."""
    return bool(row["table"] == row["yosys"] or (row["family"] == "ice40" and row["yosys"] < row["table"]))


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a count is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there")
    parser.add_argument("--designs", nargs="+", default=list(DESIGNS), choices=DESIGNS)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    given = parser.parse_args(arguments)
    rows = []
    for name in given.designs:
        for family in given.families:
            with tempfile.TemporaryDirectory(prefix="emcc-bench-") as folder:
                rows.append(counted(name, family, Path(folder)))
            print("{design} {family}: {table} by the table, {yosys} by Yosys".format_map(rows[-1]), flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(not all(map(is_right, rows)))


if __name__ == "__main__":
    sys.exit(main())
