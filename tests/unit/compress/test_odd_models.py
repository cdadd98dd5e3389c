"""Automatic compression of models that are unlike those of the papers."""

import json
from pathlib import Path
from typing import Any

import models
import numpy as np
import onnx
import pytest
from models import node
from typer.testing import CliRunner, Result

from emcc.cli import app

pytest.importorskip("torch")
ort = pytest.importorskip("onnxruntime")

RECIPE = "[search]\nepochs = 2\nsettle = 1\ncode_epochs = 1\nshared_epochs = 1\nbatch = 16\nleast_steps = 4\n"


def compress(
    folder: Path,
    proto: onnx.ModelProto,
    shape: tuple[int, ...],
    *goal: Any,
    labels: int = 0,
    command: str = "compress",
) -> Result:
    path = models.save(proto, folder / "m.onnx")
    rng = np.random.default_rng(0)
    arrays = {"x": rng.standard_normal((40, *shape)).astype(np.float32)}
    if labels:
        arrays["y"] = rng.integers(0, labels, 40)
    np.savez(folder / "d.npz", **arrays)
    (folder / "r.toml").write_text(RECIPE)
    words = [command, path, "--data", folder / "d.npz", "--recipe", folder / "r.toml", "--out", folder / "c", *goal]
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.mark.parametrize("goal", [("--max-drop", 1), ("--target-sparsity", 0.5), ("--keep-weights",)])
def test_nothing_to_compress(tmp_path: Path, goal: tuple[Any, ...]) -> None:
    proto = models.model([node("MaxPool", ["x"], "y", kernel_shape=[2, 2])], ["n", 1, 4, 4], ["n", 1, 3, 3])
    result = compress(tmp_path, proto, (1, 4, 4), *goal)
    assert result.exit_code == 2
    assert "no node has weights to compress" in result.stderr
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("how", [(), ("--fixed",), ("--keep-weights",)])
def test_nothing_to_compress_is_compiled(tmp_path: Path, how: tuple[str, ...]) -> None:
    """With data, for its formats."""
    proto = models.model([node("MaxPool", ["x"], "y", kernel_shape=[2, 2])], ["n", 1, 4, 4], ["n", 1, 3, 3])
    assert compress(tmp_path, proto, (1, 4, 4), *how, command="compile").exit_code == 0
    totals = json.loads((tmp_path / "c" / "emcc.json").read_text())["totals"]
    assert totals["weights"] == 0
    refused = compress(tmp_path, proto, (1, 4, 4), "--target-sparsity", 0.5, command="compile")
    assert (refused.exit_code, "no node has weights to compress" in refused.stderr) == (2, True)


@pytest.mark.parametrize("goal", [("--max-drop", 1), ("--target-sparsity", 0.5)])
def test_a_single_weight(tmp_path: Path, goal: tuple[Any, ...]) -> None:
    weights = {"w": np.array([[[[2.0]]]], np.float32)}
    proto = models.model([node("Conv", ["x", "w"], "y")], ["n", 1, 3, 3], ["n", 1, 3, 3], weights)
    assert compress(tmp_path, proto, (1, 3, 3), *goal).exit_code == 0


def test_a_softmax_over_maps_is_no_classifier(tmp_path: Path) -> None:
    weights = {"w": np.random.default_rng(1).standard_normal((3, 1, 1, 1)).astype(np.float32)}
    nodes = [node("Conv", ["x", "w"], "z"), node("Softmax", ["z"], "y", axis=1)]
    proto = models.model(nodes, ["n", 1, 4, 4], ["n", 3, 4, 4], weights)
    refused = compress(tmp_path, proto, (1, 4, 4), "--max-drop", 5, labels=3)
    assert (refused.exit_code, "the model's output is not a number a class" in refused.stderr) == (2, True)
    assert compress(tmp_path, proto, (1, 4, 4), "--max-drop", 5).exit_code == 0
    manifest = json.loads((tmp_path / "c" / "emcc.json").read_text())
    assert manifest["search"]["measure"] == "explained variance"


@pytest.mark.parametrize("dilations", [[1, 1], [2, 2]])
def test_pools_of_averages_are_written_for_onnxruntime(tmp_path: Path, dilations: list[int]) -> None:
    weights = {"w": np.random.default_rng(1).standard_normal((2, 1, 3, 3)).astype(np.float32)}
    pool = node("AveragePool", ["z"], "y", kernel_shape=[2, 2], dilations=dilations)
    proto = models.model([node("Conv", ["x", "w"], "z"), pool], ["n", 1, 8, 8], None, weights, opset=19)
    assert compress(tmp_path, proto, (1, 8, 8), "--keep-weights").exit_code == 0
    x = np.random.default_rng(2).standard_normal((3, 1, 8, 8)).astype(np.float32)
    runs = [
        ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        for path in (tmp_path / "m.onnx", tmp_path / "c" / "compressed.onnx")
    ]
    np.testing.assert_allclose(*runs, rtol=1e-4, atol=1e-5)


def test_one_output_that_is_a_probability_only_where_it_decides(tmp_path: Path) -> None:
    """Samples to train on have outputs beyond 0 and 1, those that decide have not."""
    weights = {"w": np.full((4, 1), 0.5, np.float32)}
    proto = models.model([node("MatMul", ["x", "w"], "y")], ["n", 4], ["n", 1], weights)
    x = np.random.default_rng(3).random((30, 4), np.float32) / 2
    np.savez(tmp_path / "v.npz", x=x, y=(x.sum(axis=1) > 1).astype(np.int64))
    words = ("--max-drop", 40, "--steps", 8, "--validate", tmp_path / "v.npz")
    assert compress(tmp_path, proto, (4,), *words, labels=2).exit_code == 0
    manifest = json.loads((tmp_path / "c" / "emcc.json").read_text())
    assert (manifest["search"]["task"], manifest["search"]["measure"]) == ("classify", "accuracy")
