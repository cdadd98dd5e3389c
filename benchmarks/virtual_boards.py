"""Networks on virtual boards: samples over the serial port of the RTL in Verilator, held against the reference.

    python benchmarks/virtual_boards.py --data DIR [--json FILE] [--only NETWORK...]

A network is compiled with its weights kept; `emcc board --virtual` is started (emcc_uart_top, UART included, 10 clocks
a bit) and its pseudo-terminal asked as a real port is. `mismatches` are samples of which an output is another than the
reference's by so much as a bit; `cycles` are the board's own counter, and `counted` the cycle model's mean.

LeNet-300-100 gets the PEs that `--board ulx3s-12f` chooses, and 200 images of MNIST's test set; MLPerf Tiny's networks
get 8, and all inputs that there are. Exit code 1 where a sample is not the reference's.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import emcc
from benchmarks.common import mnist
from benchmarks.common.boarded import NETWORKS
from benchmarks.common.cnn.problems import PROBLEMS
from emcc.eie.reference import run as reference
from emcc.runtime import Board
from emcc.runtime.board.virtual import running
from emcc.samples.sampling import dequantised, quantised

BAUD = 1_000_000
IMAGES = 200
HEAD = "| network | PEs, groups | samples | mismatches | answers as labelled | cycles | counted | repeated | seconds |"

Samples = tuple[np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class Shown:
    """A network: what its board, or number of PEs, is, and what it is shown: x [n, ...] and labels [n]."""

    size: Mapping[str, Any]
    samples: Callable[[Path], Samples]


def images(data: Path) -> Samples:
    """Return the first of MNIST's test images."""
    x, y = mnist.read(data / "mnist", "test")
    return x[:IMAGES], y[:IMAGES]


def tiny(name: str) -> Shown:
    """One of MLPerf Tiny's networks and all its inputs."""

    def samples(data: Path) -> Samples:
        problem = PROBLEMS[f"{name}/qdq"](data)
        return problem.x, problem.y

    return Shown({"pes": 8}, samples)


SHOWN: Mapping[str, Shown] = {
    "lenet300100_dns_sparse": Shown({"board": "ulx3s-12f"}, images),
    **{name: tiny(name) for name in ("kws", "ic", "vww")},
}


def shown(name: str, data: Path, folder: Path) -> dict[str, Any]:
    """Run a network's samples on its virtual board: a row."""
    place, (x, y) = folder / name, SHOWN[name].samples(data)
    artefact = emcc.compile(**NETWORKS[name](data, folder), **SHOWN[name].size)
    artefact.write(place)
    begun = time.perf_counter()
    with running(place, BAUD) as (port, _):
        built = time.perf_counter()
        with Board(place, port, BAUD) as board:
            program = board.design.program
            found = board.outputs(x)
            cycles, again = board.cycles, board.again
    wanted = dequantised(program, reference(program, quantised(program, x)))
    other = (found != wanted).reshape(len(x), -1).any(axis=1)
    right = None if y is None else int((found.reshape(len(x), -1).argmax(axis=1) == y).sum())
    design, totals = artefact.manifest["design"], artefact.manifest["totals"]
    return {
        **{"pes": design["pes"], "groups": design["groups"], "samples": len(x), "mismatches": int(other.sum())},
        **{"right": right, "cycles": float(np.mean(cycles)), "counted": totals["cycles"]["mean"], "again": again},
        **{"build_seconds": round(built - begun, 1), "seconds": round(time.perf_counter() - built, 1)},
    }


def line(name: str, row: Mapping[str, Any]) -> str:
    """A row as a line of a table."""
    right = "" if row["right"] is None else f"{row['right']}"
    counts = f"{row['samples']} | {row['mismatches']} | {right} | {row['cycles']:,.0f} | {row['counted']:,.0f}"
    return f"| {name} | {row['pes']}, {row['groups']} | {counts} | {row['again']} | {row['seconds']:.0f} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a sample is not the reference's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="../shared/data, with networks' files")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--only", nargs="+", default=list(SHOWN), choices=SHOWN, metavar="NETWORK")
    given = parser.parse_args(arguments)
    rows: dict[str, dict[str, Any]] = {}
    for name in given.only:
        with tempfile.TemporaryDirectory(prefix="emcc-boards-") as folder:
            rows[name] = shown(name, given.data, Path(folder))
        print(line(name, rows[name]), flush=True)
        if given.json:
            given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"\n{HEAD}\n|{' --- |' * 9}", *(line(name, row) for name, row in rows.items()), sep="\n")
    return int(any(row["mismatches"] for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
