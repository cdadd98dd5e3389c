"""Bitstreams: what networks take of the boards' parts, and how fast they are there.

    python benchmarks/boards.py [--json FILE] [--only ROW...] [--seeds K]

A row is a network on a board, through `emcc.compile` and what `emcc bitstream` does. `ms` is at the clock that the
bitstream has, for the mean of `cycles`; `fmax_mhz` is nextpnr's, a seed each. Nothing here has been on a board.

Exit code 1 where a row does not fit, or misses its clock.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import emcc
from emcc.base.errors import EmccError
from emcc.boards.build import build
from emcc.boards.options import BuildOptions
from emcc.files.artefact import read_manifest

DIGITS = Path(__file__).resolve().parents[1] / "examples" / "digits"
STEPS = 300
HEAD = "| board, network | PEs | Fmax, MHz | clock, MHz | LUTs | FF | block RAMs | DSP | cycles | ms |"


@dataclass(frozen=True)
class Row:
    """A network on a board: PEs, and the clock that is asked for in MHz."""

    board: str
    network: str
    pes: int
    mhz: float

    @property
    def name(self) -> str:
        """Its name in the file."""
        return f"{self.board}/{self.network}"


ROWS = (
    Row("ulx3s-85f", "digits", 4, 75),
    Row("ulx3s-12f", "digits", 4, 75),
    Row("tang-nano-20k", "digits", 2, 40.5),
    Row("icebreaker", "digits-24", 2, 24),
)


def network(name: str, folder: Path) -> dict[str, Any]:
    """Return what `emcc.compile` takes: examples/digits, or a perceptron of one hidden layer of 24, trained here."""
    train = np.load(DIGITS / "train.npz")
    if name == "digits":
        return {"model": DIGITS / "digits.onnx", "data": (train["x"], train["y"])}
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier

    x = train["x"].reshape(len(train["x"]), -1)
    trained = MLPClassifier((24,), max_iter=1000, random_state=0).fit(x, train["y"])
    options = {"zipmap": False, "nocl": True}
    model = to_onnx(trained, x[:1], options={id(trained): options}, target_opset=17)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return {"model": folder / "model.onnx", "data": (x, train["y"])}


def measured(row: Row, seeds: int, folder: Path) -> dict[str, Any]:
    """Compile and build a row in a folder."""
    recipe = {"lower": {"groups": 2, "queue_depth": 16}}
    artefact = emcc.compile(**network(row.network, folder), pes=row.pes, max_drop=1, steps=STEPS, recipe=recipe)
    artefact.write(folder / "net")
    cycles = read_manifest(folder / "net")["totals"]["cycles"]["mean"]
    options = BuildOptions(row.board, 1, seeds, round(row.mhz * 1e6))
    try:
        outcome = build(folder / "net", options, lambda line: print(f"{row.name}: {line}", flush=True))
    except EmccError as error:
        print(f"{row.name}: {error}", file=sys.stderr, flush=True)
        return {"fits": False, "fmax_mhz": [], "cycles": cycles, "pes": row.pes, "error": error.message}
    clocks = [round(one.routed.slowest, 2) if one.routed else None for one in outcome.tried]
    return {
        **{kind: outcome.resources[kind] for kind in ("lut", "ff", "bram", "dsp")},
        "fmax_mhz": clocks,
        "clock_mhz": outcome.project.hz / 1e6,
        "cycles": cycles,
        "ms": cycles / outcome.project.hz * 1e3,
        "pes": row.pes,
        "fits": True,
    }


def line(name: str, row: dict[str, Any]) -> str:
    """A row as a line of a table."""
    if not row["fits"]:
        return f"| {name} | {row['pes']} | {row['error']} | | | | | | {row['cycles']:,.0f} | |"
    clocks = ", ".join("-" if clock is None else f"{clock:.1f}" for clock in row["fmax_mhz"])
    counts = " | ".join(f"{row[kind]:,}" for kind in ("lut", "ff", "bram", "dsp"))
    head = f"| {name} | {row['pes']} | {clocks} | {row['clock_mhz']:g}"
    return f"{head} | {counts} | {row['cycles']:,.0f} | {row['ms']:.3f} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a row does not fit or is too slow."""
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--only", nargs="+", default=names, choices=names, metavar="ROW")
    parser.add_argument("--seeds", type=int, default=1, metavar="K", help="seeds a row (1)")
    given = parser.parse_args(arguments)
    rows: dict[str, dict[str, Any]] = {}
    for row in ROWS:
        if row.name in given.only:
            with tempfile.TemporaryDirectory(prefix="emcc-boards-") as folder:
                rows[row.name] = measured(row, given.seeds, Path(folder))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"\n{HEAD}\n|{' --- |' * 10}")
    print("\n".join(line(name, row) for name, row in rows.items()))
    return int(not all(row["fits"] for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
