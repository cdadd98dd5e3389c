"""Block RAMs of several designs on three families: the table of memories against what nextpnr packs.

    python benchmarks/block_rams.py [--json FILE] [--designs NAME...] [--families NAME...]

Fails where the counts differ. nextpnr packs a netlist without placing it, so a design may need more than the part has.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import (
    fuzz,  # noqa: F401 (finds the tests' graphs)
    parts,
)
from benchmarks.common.netlist import NETLIST, synthesised
from emcc.eie.blockram import FAMILIES, block_rams
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Graph
from emcc.tools import nextpnr

from qgraphs import quantised  # isort: skip

BLOCKS = {"ecp5": "DP16KD", "ice40": "ICESTORM_RAM", "gowin": "BSRAM"}
"""What nextpnr calls a block RAM of the family."""

DESIGNS: Mapping[str, tuple[Graph, LowerOptions]] = {
    "small": (quantised([25, 9], seed=3, code_w=8), LowerOptions(pes=2)),
    "relu": (quantised([300, 120, 60, 9], seed=1), LowerOptions(pes=4)),
    "table": (quantised([60, 40, 9], functions=["table", "identity"], seed=2), LowerOptions(pes=3, queue_depth=16)),
    "large": (quantised([700, 600, 400, 50], seed=3, code_w=8, density=0.1), LowerOptions(pes=8)),
}


def counted(name: str, family: str, folder: Path) -> dict[str, Any]:
    """Synthesise and pack a design for a family: its block RAMs by the table and by nextpnr."""
    graph, options = DESIGNS[name]
    design = next(design for design in parts.DESIGNS.values() if design.part.family == family)
    program, _ = synthesised(graph, replace(design, options=options), folder)
    taken = nextpnr.packed(NETLIST, design.part, cwd=folder, arguments=design.arguments)
    table = block_rams(core_memories(Context(program, plan(program))), family)
    return {"design": name, "family": family, "table": table, "nextpnr": taken[BLOCKS[family]]}


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
            print("{design} {family}: {table} by the table, {nextpnr} by nextpnr".format_map(rows[-1]), flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(row["table"] != row["nextpnr"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
