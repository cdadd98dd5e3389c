"""The clock on real parts: Yosys and nextpnr on arrays with a network's memories, over several seeds.

    python benchmarks/fmax.py --json FILE [--designs NAME...] [--seeds N...] [--jobs N] [--keep DIR]

The array sits behind a wrapper with few pins (benchmarks/common/pins.py), whose cells are in the counts.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.netlist import NETLIST, synthesised
from benchmarks.common.networks import quantised
from benchmarks.common.parts import DESIGNS, Design
from emcc.tools.nextpnr import Routed, place_and_route
from emcc.tools.process import ToolError, parallel
from emcc.tools.yosys import CELLS, cells

SITES = {
    **{"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    **{"SB_LUT4": 1, "SB_CARRY": 0},
    **{"LUT1": 1, "LUT2": 1, "LUT3": 1, "ALU": 1, "RAM16SDP4": 4},
}
"""LUT4 sites that a cell of Yosys takes: distributed RAM and carry chains are made of them; an SB_CARRY is not."""


def placed(design: Design, folder: Path, seed: int) -> Routed:
    """Place and route the netlist that `synthesised` left in `folder`, in a folder of the seed's own."""
    place = folder / f"seed{seed}"
    place.mkdir()
    for name in (NETLIST, *(design.files or {})):
        (place / name).write_bytes((folder / name).read_bytes())
    routed = place_and_route(
        NETLIST, design.part, cwd=place, seed=seed, freq=design.freq, arguments=design.arguments, open_pins=True
    )
    (place / "nextpnr.log").write_text(routed.log, encoding="utf-8")
    return routed


def summary(
    design: Design, whole: Mapping[str, int], pe: Mapping[str, int], seeds: Sequence[int], routed: Sequence[Routed]
) -> dict[str, Any]:
    """A design's row: the counts are nextpnr's of the first seed; `whole` and `pe` are Yosys's, of all and of a PE."""
    used = routed[0].used

    def count(names: Sequence[str]) -> int:
        return sum(used.get(name, 0) for name in names)

    ffs = count(design.ff) or sum(number for name, number in whole.items() if "DFF" in name)
    worst = min(routed, key=lambda route: route.slowest)
    return {
        "fmax_mhz": [round(route.slowest, 2) for route in routed],
        "seeds": list(seeds),
        "target_mhz": design.target,
        "pes": design.options.pes,
        "lut4": count(design.lut4),
        "ff": ffs,
        "dsp": count(design.dsp),
        "bram": count(design.bram),
        "lut4_per_pe": round(count(design.lut4) / design.options.pes, 1),
        "pe_lut4": sum(sites * pe.get(name, 0) for name, sites in SITES.items()),
        "used": {name: number for name, number in used.items() if number},
        "available": {name: routed[0].available[name] for name, number in used.items() if number},
        "yosys_cells": dict(whole),
        "yosys_pe_cells": dict(pe),
        "critical_path": [
            {"kind": hop.kind, "ns": round(hop.delay, 2), "from": hop.source, "to": hop.sink} for hop in worst.path
        ],
    }


def run(names: Sequence[str], seeds: Sequence[int], jobs: int, folder: Path) -> dict[str, dict[str, Any]]:
    """A row a design. A design that does not fit its part has an `error` and no clock."""

    def synth(name: str) -> dict[str, int]:
        _, netlist = synthesised(quantised(DESIGNS[name].network), DESIGNS[name], folder / name)
        print(f"{name}: synthesised", flush=True)
        return netlist

    def place(task: tuple[str, int]) -> Routed | ToolError:
        name, seed = task
        try:
            routed = placed(DESIGNS[name], folder / name, seed)
        except ToolError as error:
            print(f"{name}: seed {seed}: {error}", file=sys.stderr, flush=True)
            return error
        print(f"{name}: seed {seed}: {routed.slowest:.1f} MHz", flush=True)
        return routed

    whole = dict(zip(names, parallel(synth, names, jobs), strict=True))
    tasks = [(name, seed) for name in names for seed in seeds]
    done = dict(zip(tasks, parallel(place, tasks, jobs), strict=True))
    rows: dict[str, dict[str, Any]] = {}
    for name in names:
        runs = [done[name, seed] for seed in seeds]
        routed = [run for run in runs if isinstance(run, Routed)]
        if len(routed) == len(runs):
            pe = cells((folder / name / CELLS).read_text(encoding="utf-8"), "emcc_slice")
            rows[name] = summary(DESIGNS[name], whole[name], pe, seeds, routed)
        else:
            wrong = next(str(run) for run in runs if isinstance(run, ToolError))
            rows[name] = {"fmax_mhz": [], "yosys_cells": whole[name], "error": wrong}
    return rows


def line(name: str, row: Mapping[str, Any]) -> str:
    """A row as a line of a table."""
    if "error" in row:
        return f"| {name} | does not fit | | | | | | |"
    clocks = ", ".join(f"{clock:.1f}" for clock in row["fmax_mhz"])
    counts = [f"{row[kind]:,}" for kind in ("lut4", "ff", "dsp", "bram")]
    return f"| {name} | {clocks} | {' | '.join(counts)} | {row['lut4_per_pe']:.0f} | {row['pe_lut4']} |"


def missed(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Designs that miss their clock."""
    slow = [name for name, row in rows.items() if "error" not in row and min(row["fmax_mhz"]) < row["target_mhz"]]
    return [*slow, *(name for name, row in rows.items() if "error" in row)]


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a design does not fit, or is slower than it must be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--designs", nargs="+", default=list(DESIGNS), choices=list(DESIGNS), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3], metavar="N")
    parser.add_argument("--jobs", type=int, default=2, help="programs at once (2); each is one thread and up to 2 GB")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave netlists and logs there")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="emcc-fmax-") as scratch:
        folder = given.keep or Path(scratch)
        rows = run(given.designs, given.seeds, given.jobs, folder)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print("\n| design | Fmax, MHz | LUT4 | FF | DSP | BRAM | LUT4 over PEs | LUT4 of emcc_slice |\n|" + " --- |" * 8)
    print("\n".join(line(name, row) for name, row in rows.items()))
    return int(bool(missed(rows)))


if __name__ == "__main__":
    sys.exit(main())
