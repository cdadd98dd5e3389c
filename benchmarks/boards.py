"""Boards: what networks take of their parts, and how fast they are there.

    python benchmarks/boards.py --json FILE [--data DIR] [--only BOARD/NETWORK...] [--seeds K] [--keep DIR]

A row is a network on a board, with the number of PEs that `emcc compile --board` chooses or that the row gives, through
what `emcc bitstream` does. `fmax_mhz` is nextpnr's, a seed each, at the clock that the row asks for; `ms` is at the
best of them, for the mean of `cycles` (running and transfer), and `running_ms` without transfer. Nothing here has been
on a board. A network that does not fit is a row with the reason.

Rows are put into FILE one by one, beside those that are there. With --keep artefacts and what placing left stay in DIR,
and a design that is there is not placed again. Networks of files are left out without --data.

Exit code 1 where a row misses its goal.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import emcc
from benchmarks.common.boarded import GOALS, NETWORKS, PRUNED, PUBLISHED, ROWS, TINY, Row
from emcc.base.errors import EmccError
from emcc.boards.build import build
from emcc.boards.marker import MARKER
from emcc.boards.options import BuildOptions
from emcc.boards.outcome import FAILED
from emcc.files.artefact import MANIFEST

HEAD = (
    "| board, network | PEs, groups | Fmax, MHz | LUTs | FF | block RAMs | DSP | cycles | ms | of it running | goal "
    "| others, ms |"
)
KINDS = ("lut", "ff", "bram", "dsp")


def measured(row: Row, seeds: int, data: Path, folder: Path) -> dict[str, Any]:
    """Compile a row and place it in `folder`."""
    place, source = folder / row.name.replace("/", "-"), NETWORKS[row.network](data, folder)
    size: dict[str, Any] = {"board": row.board} | ({"pes": row.pes} if row.pes else {})
    if row.streamed:
        size["recipe"] = {**source.pop("recipe", {}), "emit": {"weights": "boot"}}
    try:
        artefact = emcc.compile(**source, **size)
    except EmccError as error:
        return refused(error)
    manifest, found = artefact.manifest, facts(place / MANIFEST)
    placed = facts(place / "boards" / row.board / MARKER)
    same = found.get("design", {}).get("digest") == manifest["design"]["digest"]
    if not same or placed.get("status", FAILED) == FAILED or len(placed["seeds"]) != seeds:
        artefact.write(place)
        options = BuildOptions(row.board, 1, seeds, round(row.mhz * 1e6))
        try:
            build(place, options, lambda line: print(f"{row.name}: {line}", flush=True))
        except EmccError as error:
            placed = facts(place / "boards" / row.board / MARKER)
            if placed.get("status", FAILED) == FAILED:
                return refused(error)
        placed = facts(place / "boards" / row.board / MARKER)
    return made(manifest, placed)


def facts(file: Path) -> dict[str, Any]:
    """Return what is in a file, {} where it is not there."""
    return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}


def refused(error: EmccError) -> dict[str, Any]:
    """Return the row of a design that does not fit."""
    return {"fits": False, "fmax_mhz": [], "reason": "; ".join([error.message, *error.details])}


def made(manifest: Mapping[str, Any], placed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a design that was placed, of emcc.json and bitstream.json."""
    totals, clocks = manifest["totals"], list(placed["seeds"].values())
    cycles = totals["cycles"]["mean"] + totals["transfer_cycles"]
    return {
        "fits": True,
        **{kind: manifest["design"][kind] for kind in ("pes", "groups")},
        "run_bits": manifest["options"]["passes"]["lower"]["run_bits"],
        "lut_words": placed["lut_words"],
        **{kind: placed["resources"][kind] for kind in KINDS},
        "spram": placed["resources"].get("spram", 0),
        "estimate": manifest["board"]["cells"] if "board" in manifest else None,
        "asked_mhz": placed["clock"]["hz"] / 1e6,
        "fmax_mhz": clocks,
        "cycles": cycles,
        "transfer_cycles": totals["transfer_cycles"],
        "ms": round(cycles / placed["clock"]["fmax_mhz"] / 1e3, 5),
        "running_ms": round(totals["cycles"]["mean"] / placed["clock"]["fmax_mhz"] / 1e3, 5),
    }


def line(name: str, row: Mapping[str, Any]) -> str:
    """A row as a line of a table."""
    network = name.partition("/")[2]
    published = ", ".join(f"{who} {ms:g}" for who, ms in PUBLISHED.get(network, {}).items())
    goal = f"{GOALS[name]:g}" if name in GOALS else ""
    if not row["fits"]:
        return f"| {name} | {row['reason']} | | | | | | | | | {goal} | {published} |"
    clocks = ", ".join("-" if clock is None else f"{clock:.1f}" for clock in row["fmax_mhz"])
    counts = " | ".join(f"{row[kind]:,}" for kind in KINDS)
    head = f"| {name} | {row['pes']}, {row['groups']} | {clocks} | {counts}"
    return f"{head} | {row['cycles']:,.0f} | {row['ms']:.3g} | {row['running_ms']:.3g} | {goal} | {published} |"


def missed(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the rows that have a goal and do not reach it."""
    return [name for name, row in rows.items() if name in GOALS and not (row["fits"] and row["ms"] <= GOALS[name])]


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a row misses its goal."""
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="put the rows there")
    parser.add_argument("--data", type=Path, metavar="DIR", help="../shared/data, with networks' files")
    parser.add_argument("--only", nargs="+", default=names, choices=names, metavar="BOARD/NETWORK")
    parser.add_argument("--seeds", type=int, default=1, metavar="K", help="seeds a row (1)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave artefacts and logs there")
    given = parser.parse_args(arguments)
    rows = facts(given.json) if given.json else {}
    for row in ROWS:
        if row.name in given.only and (given.data or row.network not in (*TINY, *PRUNED)):
            with tempfile.TemporaryDirectory(prefix="emcc-boards-") as folder:
                rows[row.name] = measured(row, given.seeds, given.data or Path(), given.keep or Path(folder))
            print(line(row.name, rows[row.name]), flush=True)
            if given.json:
                given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"\n{HEAD}\n|{' --- |' * 12}", *(line(name, row) for name, row in rows.items()), sep="\n")
    return int(bool(missed({name: row for name, row in rows.items() if name in given.only})))


if __name__ == "__main__":
    sys.exit(main())
