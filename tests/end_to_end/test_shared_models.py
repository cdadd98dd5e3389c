"""Models that nobody here made, through the command line into Verilator: no bit and no cycle off."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import simulators
from typer.testing import CliRunner

from emcc.cli import app

pytestmark = [pytest.mark.shared, pytest.mark.sim, pytest.mark.slow]

IMAGES = 500

FEW = 300
"""Samples where compiling with less effort saves more than their simulation takes longer by it."""


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulators of small networks are built quickly; those of LeNet are as a user's."""
    simulators.build_quickly(monkeypatch)


def mnist(shared_data: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """float32 [count, 1, 28, 28], pixel / 256, and labels: the test set's first."""
    folder = shared_data / "mnist"
    pixels = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())
    x = np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 1, 28, 28)[:count] / np.float32(256)
    return x.astype(np.float32), np.frombuffer(labels, np.uint8, offset=8)[:count].astype(np.int64)


def run(*arguments: object) -> None:
    """A command that must succeed."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output


def proven(model: Path, folder: Path, pes: int, x: np.ndarray, y: np.ndarray | None) -> tuple[dict, dict]:
    """Compiles with --keep-weights and simulates all of x: (manifest, result)."""
    data = folder / "data.npz"
    np.savez(data, x=x, **({} if y is None else {"y": y}))
    out = folder / "out"
    run("compile", model, "--keep-weights", "--pes", pes, "--data", data, "--out", out, "--quiet")
    run("simulate", out, "--data", data, "--json", folder / "found.json")
    outcome = json.loads((folder / "found.json").read_text())
    assert outcome["inferences"] == len(x)
    assert outcome["mismatches"] == outcome["cycle_mismatches"] == 0
    return json.loads((out / "emcc.json").read_text()), outcome


@pytest.mark.parametrize("pes", [32, 8])
def test_pruned_lenet(pes: int, shared_data: Path, tmp_path: Path) -> None:
    x, y = mnist(shared_data, IMAGES)
    model = shared_data / "models" / "lenet300100_dns_sparse.onnx"
    manifest, outcome = proven(model, tmp_path, pes, x, y)
    assert abs(outcome["accuracy"] - manifest["quality"]["float"] / 100) <= 0.003
    assert manifest["totals"]["density"] < 0.02


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("name", ["mnist5x20_leaky_relu", "mnist2x5_sigmoid"])
def test_table_functions(name: str, shared_data: Path, tmp_path: Path) -> None:
    x, y = mnist(shared_data, FEW)
    manifest, outcome = proven(shared_data / "models" / f"{name}.onnx", tmp_path, 8, x, y)
    assert abs(outcome["accuracy"] - manifest["quality"]["float"] / 100) <= 0.01
    assert 0 < manifest["quality"]["fixed_error_rms"] < 0.1


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("net", ["1_1", "3_3"])
def test_acas_xu(net: str, shared_data: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (FEW, 1, 1, 5)).astype(np.float32)
    model = shared_data / "models" / f"ACASXU_experimental_v2a_{net}.onnx"
    manifest, _ = proven(model, tmp_path, 8, x, None)
    assert 0 < manifest["quality"]["fixed_error_rms"] < 0.01
