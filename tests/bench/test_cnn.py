"""benchmarks/cnn.py on a small network: its row, its bounds, and that it says where something is wrong."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from small_convs import images, small_conv

from benchmarks.common.cnn import rows
from benchmarks.common.cnn.limits import Limits, limits, reason
from benchmarks.common.cnn.problems import Problem
from benchmarks.common.cnn.tables import HEAD, faults, show
from emcc import frontend
from emcc.compress.kmeans import Share
from emcc.eie.groups import cycles
from emcc.eie.groups.schedule import plan
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.program import Program
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise
from emcc.samples.sampling import by_input, quantised


def lowered(tmp_path: Path, pes: int, groups: int) -> Program:
    """The small network at 16 bits, its weights kept."""
    onnx.save(small_conv(), tmp_path / "model.onnx")
    shared = Share().kept().apply(Fold().apply(frontend.load(tmp_path / "model.onnx")))
    return lower(Quantise().apply(Calibrate(data=images(8)).apply(shared)), LowerOptions(pes=pes, groups=groups))


@pytest.mark.parametrize("array", [(4, 1), (8, 2), (16, 4)])
def test_no_bound_is_above_the_cycles(tmp_path: Path, array: tuple[int, int]) -> None:
    """Each memory and unit alone takes less than all of an inference; some comes near it."""
    program, x = lowered(tmp_path, *array), images(1, seed=5)
    total = int(cycles.count(program, by_input(program, quantised(program, x))).total[0])
    bounds = limits(program, plan(program), x)
    sums = {name: sum(getattr(own, name) for own in bounds) for name in vars(bounds[0])}
    assert all(0 < value <= total for value in sums.values()), (sums, total)
    assert sum(max(vars(own).values()) for own in bounds) > total / 2


@pytest.mark.parametrize(
    ("bounds", "cycles", "word"),
    [
        (Limits(950, 300, 100, 90), 1000, "walk"),
        (Limits(300, 950, 100, 90), 1000, "drain"),
        (Limits(300, 300, 950, 90), 1000, "broadcast"),
        (Limits(300, 300, 100, 950), 1000, "balance"),
        (Limits(300, 300, 100, 90), 1000, "nothing alone: walk 30%"),
        (Limits(30, 30, 10, 9), 100, "few products"),
    ],
)
def test_reasons(tmp_path: Path, bounds: Limits, cycles: int, word: str) -> None:
    step = lowered(tmp_path, 4, 1).steps[0]
    assert reason(step, cycles, bounds).startswith(word)


@pytest.mark.sim
def test_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx.save(small_conv(), tmp_path / "model.onnx")
    x = images(6)
    problem = Problem(tmp_path / "model.onnx", x, x, np.zeros(6, np.int64), rtl=2, pes=8)
    monkeypatch.setattr(rows, "PROBLEMS", {"small": lambda data: problem})
    row = rows.run(rows.Job("small", 16, tmp_path))
    assert (row["mismatches"], row["cycle_mismatches"], row["simulated"]) == (0, 0, 2)
    assert row["cycles"] == row["predicted"] == pytest.approx(sum(own["cycles"] for own in row["layers"]), abs=9)
    assert row["dense"] * 8 == pytest.approx(6 * 18 * 64 + 6 * 54 * 16 + 6 * 9 * 16 + 60, abs=8)
    assert all("reason" in own for own in row["layers"] if own["utilisation"] < rows.LOW)
    assert row["cosine_min"] > 0.999
    found = json.loads(json.dumps({"small/16": row}))
    assert show(found).splitlines()[2].count("|") == len(HEAD) + 1


def test_what_is_wrong_is_said() -> None:
    good = {"cycles": 50_000, "mismatches": 0, "cycle_mismatches": 0, "right": 12, "right_of_file": 12, "of": 12}
    alike = {"top1_same": 10, "of": 10, "cosine_min": 1.0}
    assert faults({"kws/qdq/8": good, "squeezenet": alike}) == []
    assert "more than 60,000" in faults({"kws/qdq/8": {**good, "cycles": 60_001}})[0]
    assert faults({"kws/qdq/16": {**good, "cycles": 60_001}}) == []
    assert "1 wrong integers" in faults({"kws/qdq/8": {**good, "mismatches": 1}})[0]
    assert "11 right" in faults({"kws/qdq/8": {**good, "right": 11}})[0]
    assert "9 of 10" in faults({"squeezenet": {**alike, "top1_same": 9}})[0]
    assert "at least 0.9980" in faults({"squeezenet": {**alike, "cosine_min": 0.998}})[0]
    rebuilt = {"reconstruction": 1.04, "reconstruction_of_file": 1.0, "of": 240}
    assert "rebuilds" in faults({"ad/float/8": rebuilt})[0]
