"""Scaling: the nine layers of the EIE paper on 1, 2, 4 ... 256 PEs (its figure 11).

    python benchmarks/scaling.py [--json FILE] [--plot FILE.svg] [--pes N...] [--verify N...]

Cycles are the cycle model's, in as many column groups as take fewest. Verilator confirms them for the PE counts of
--verify on the smallest layer.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.design import counted, fastest
from benchmarks.common.layers import CASES, FullyConnected, named, problem
from benchmarks.common.svg import plot
from benchmarks.eie_layers import faults
from benchmarks.eie_layers import run as simulated
from emcc.eie.options import LowerOptions

PES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SMALLEST = "NT-We"


def scaled(layer: FullyConnected, case: str, pes: Sequence[int], queue: int) -> dict[str, Any]:
    """Cycles, speedup over the first PE count, and utilisation, an item a PE count."""
    task = problem(layer, case)
    row: dict[str, Any] = {"name": layer.name, "pes": list(pes)}
    row |= {name: [] for name in ("groups", "cycles", "utilisation", "padding_zeros")}
    for count in pes:
        program = fastest(task.graph, LowerOptions(pes=count, queue_depth=queue), task.x)
        taken = int(counted(program, task.x)[0])
        row["groups"].append(program.groups)
        row["cycles"].append(taken)
        row["utilisation"].append(round(task.ideal(count, program.groups) / taken, 4))
        row["padding_zeros"].append(program.slices[0].padding)
    row["speedup"] = [round(row["cycles"][0] / taken, 2) for taken in row["cycles"]]
    return row


def verified(pes: Sequence[int], case: str, queue: int) -> dict[str, Any]:
    """The smallest layer in Verilator: its cycles by PE count, and what differs from the model or the reference."""
    checked: dict[str, Any] = {"name": SMALLEST, "pes": list(pes), "cycles": [], "faults": []}
    for count in pes:
        options = LowerOptions(pes=count, queue_depth=queue)
        rows = simulated(named([SMALLEST]), [case], options, lambda _: None)
        checked["cycles"].append(rows[case][0]["cycles"])
        checked["faults"] += [f"{count} PEs: {fault}" for fault in faults(rows)]
    return checked


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where Verilator does not confirm the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write an SVG there")
    parser.add_argument("--layers", nargs="+", default=[], metavar="NAME", help="these alone")
    parser.add_argument("--case", default=CASES[0], choices=CASES)
    parser.add_argument("--pes", nargs="+", type=int, default=list(PES), metavar="N")
    parser.add_argument("--queue", type=int, default=128, metavar="N", help="activation queue entries a PE (128)")
    parser.add_argument("--verify", nargs="*", type=int, default=[], metavar="N", help="PE counts to simulate as well")
    given = parser.parse_args(arguments)
    print(f"| layer | {' | '.join(map(str, given.pes))} |\n|{' --- |' * (len(given.pes) + 1)}")
    rows = []
    for layer in named(given.layers):
        rows.append(scaled(layer, given.case, given.pes, given.queue))
        cells = [
            f"{times:.1f} ({used:.2f})"
            for times, used in zip(rows[-1]["speedup"], rows[-1]["utilisation"], strict=True)
        ]
        print(f"| {layer.name} | {' | '.join(cells)} |", flush=True)
    checked = verified(given.verify, given.case, given.queue)
    if given.json:
        text = json.dumps({"case": given.case, "queue": given.queue, "rows": rows, "verified": checked}, indent=1)
        given.json.write_text(text + "\n", encoding="utf-8")
    if given.plot:
        lines = {row["name"]: list(zip(row["pes"], row["speedup"], strict=True)) for row in rows}
        title = f"Speedup over {given.pes[0]} PE, {given.case} weights"
        given.plot.write_text(plot(title, "processing elements", "speedup", lines), encoding="utf-8")
    for fault in checked["faults"]:
        print(f"wrong: {fault}", file=sys.stderr)
    return int(bool(checked["faults"]))


if __name__ == "__main__":
    sys.exit(main())
