"""The same answers from every engine, from the command line; what saturates is told, and a wrong bit is not written."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import run
from models import mlp, save

from emcc.runtime.engines import BOARD
from emcc.runtime.engines import ENGINES as ALL

pytestmark = pytest.mark.sim
ENGINES = tuple(name for name in ALL if name != BOARD)
"""A board is at a port: see test_board.py."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: "out", calibrated on data.npz; raw.npz is the same data on a scale of 0 to 255."""
    monkeypatch.chdir(tmp_path)
    save(mlp((10, 12, 5), ["Tanh", None], seed=2, tail="Softmax"), tmp_path / "model.onnx")
    rng = np.random.default_rng(0)
    x = np.abs(rng.standard_normal((40, 10))).astype(np.float32)
    np.savez("data.npz", x=x)
    np.savez("raw.npz", x=np.where(rng.random(x.shape) < 0.5, 255 * x, 0).astype(np.float32), y=np.arange(40) % 5)
    run("compile", "model.onnx", "--data", "data.npz", "--keep-weights", "--pes", "4", "--target", "c,hls",
        "--out", "out", "--quiet")  # fmt: skip
    return tmp_path


def test_every_engine_gives_the_same_file(folder: Path) -> None:
    told = {}
    for name in ENGINES:
        run(
            "run",
            "out",
            "--data",
            "raw.npz",
            "--out",
            f"{name}.npz",
            "--engine",
            name,
            "--json",
            f"{name}.json",
            "--quiet",
        )
        told[name] = json.loads(Path(f"{name}.json").read_text())
        assert told[name].pop("engine") == name
    shown = run("simulate", "out", "--data", "raw.npz", "--outputs", "held.npz", "--json", "held.json")
    wanted = Path("reference.npz").read_bytes()
    assert all(Path(f"{name}.npz").read_bytes() == wanted for name in ENGINES)
    assert Path("held.npz").read_bytes() == wanted
    assert all(told[name] == told["reference"] for name in ENGINES)
    held = json.loads(Path("held.json").read_text())
    assert held["saturation"] == told["reference"]["saturation"]
    assert held["accuracy"] == told["reference"]["accuracy"]
    inputs = held["saturation"]["inputs"]
    assert inputs["saturated"] > 0.9 * inputs["nonzero"]
    assert "of those that are not zero) saturate" in " ".join(shown.split())
    assert "every output integer equals the reference" in shown
    answers = np.load("held.npz")["y"]
    assert answers.shape == (40, 5)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-6)


def test_data_that_fits_is_no_warning(folder: Path) -> None:
    shown = run("simulate", "out", "--data", "data.npz", "--json", "told.json")
    assert "warning" not in shown
    assert json.loads(Path("told.json").read_text())["saturation"]["inputs"]["saturated"] == 0


def test_a_wrong_bit_is_not_an_answer(folder: Path) -> None:
    image = folder / "out" / "rom" / "codebook.hex"
    lines = image.read_text().splitlines()
    flipped = (line if line.startswith("//") else f"{int(line, 16) ^ 64:0{len(line)}x}" for line in lines)
    image.write_text("\n".join(flipped) + "\n")
    shown = run("run", "out", "--data", "data.npz", "--out", "y.npz", "--engine", "rtl", "--trust-rtl", code=1)
    assert "the engine rtl is not what the reference is: first difference: inference 0" in shown
    assert not Path("y.npz").exists()
    run("simulate", "out", "--data", "data.npz", "--outputs", "y.npz", "--trust-rtl", code=1)
    rtl = np.load("y.npz")["y"]
    run("run", "out", "--data", "data.npz", "--out", "y.npz", "--quiet")
    assert not np.array_equal(np.load("y.npz")["y"], rtl)
