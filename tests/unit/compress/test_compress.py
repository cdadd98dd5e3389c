"""`emcc compress`: what it writes, that onnxruntime runs it, and that it writes the same twice."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import run as emcc
from models import mlp, onnxruntime_run, save

from emcc.container import decode
from emcc.frontend import load
from emcc.frontend.export import export
from emcc.ops.interpret import run
from emcc.passes.fold import Fold

RECIPE = "[search]\nepochs = 2\nsettle = 1\ncode_epochs = 1\nshared_epochs = 2\nbatch = 32\nleast_steps = 4\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("torch")
    save(mlp((16, 24, 5), seed=2), tmp_path / "model.onnx")
    x = np.random.default_rng(0).standard_normal((300, 16)).astype(np.float32)
    y = run(load(tmp_path / "model.onnx"), x).argmax(axis=1)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    (tmp_path / "fast.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


COMPRESS = ("compress", "model.onnx", "--data", "data.npz", "--recipe", "fast.toml")


def test_what_it_writes(folder: Path) -> None:
    said = emcc(*COMPRESS, "--target-size", "0.4KB", "--out", "out", "--work", "work")
    assert "weights" in said
    assert {path.name for path in (folder / "out").iterdir()} == {
        *("model.emc", "compressed.onnx", "emcc.json", "report.html"),
    }
    data = (folder / "out" / "model.emc").read_bytes()
    assert len(data) <= 400
    manifest = json.loads((folder / "out" / "emcc.json").read_text())
    assert manifest["totals"]["bytes"] == len(data)
    assert {row["pass"] for row in manifest["layer_passes"]} == {"pruned", "codes", "shared"}
    x = np.load(folder / "data.npz")["x"]
    folded, quantised = Fold().apply(load(folder / "out" / "compressed.onnx")), decode(data)
    assert [np.count_nonzero(folded.constants[node.inputs[1]]) for node in folded.layers()] == [
        row["kept"] for row in manifest["layers"]
    ]
    ran = onnxruntime_run(folder / "out" / "compressed.onnx", x)
    source, target = quantised.tensors[quantised.inputs[0]].fmt, quantised.tensors[quantised.outputs[0]].fmt
    assert source
    assert target
    integers = target.dequantise(run(quantised, source.quantise(x)))
    assert np.mean(ran.argmax(axis=1) == integers.argmax(axis=1)) > 0.98
    assert f"model.emc: {len(data)} bytes" in emcc("inspect", "out")
    again = emcc(*COMPRESS, "--target-size", "0.4KB", "--out", "again", "--quiet")
    assert again == ""
    for name in ("model.emc", "compressed.onnx", "emcc.json", "report.html"):
        assert (folder / "out" / name).read_bytes() == (folder / "again" / name).read_bytes()


def test_compile_with_a_goal(folder: Path) -> None:
    said = emcc(
        "compile",
        "model.onnx",
        "--data",
        "data.npz",
        "--recipe",
        "fast.toml",
        "--target-sparsity",
        "0.75",
        "--out",
        "d",
    )
    assert "search: target sparsity 0.75" in said
    manifest = json.loads((folder / "d" / "emcc.json").read_text())
    weights = 16 * 24 + 24 * 5
    assert manifest["totals"]["kept"] == weights - round(0.75 * weights)
    assert manifest["goal"] == {"target_sparsity": 0.75}
    assert "prune" not in manifest["options"]["passes"]


def test_mistakes(folder: Path) -> None:
    assert "more than one goal" in emcc(*COMPRESS, "--max-drop", "1", "--target-size", "1KB", code=2)
    assert "is not a size" in emcc(*COMPRESS, "--target-size", "tiny", code=2)
    assert "needs data" in emcc("compile", "model.onnx", "--max-drop", "1", code=2)
    assert "leaves the zero pattern" in emcc(*COMPRESS, "--target-sparsity", "0.5", "--keep-weights", code=2)
    assert "needs images" in emcc(*COMPRESS[:4], "--recipe", _warped(folder), code=2)
    emcc(*COMPRESS, "--target-sparsity", "0.5", "--work", "w", "--quiet")
    assert "another model, data or options" in emcc(*COMPRESS, "--target-sparsity", "0.6", "--work", "w", code=2)


def _warped(folder: Path) -> str:
    (folder / "warp.toml").write_text('[search]\naugment = "warp"\n')
    np.savez(folder / "data.npz", x=np.zeros((9, 15), np.float32))
    save(mlp((15, 24, 5), seed=2), folder / "model.onnx")
    return "warp.toml"


def test_exported_graphs_mean_the_same(folder: Path) -> None:
    graph = load(folder / "model.onnx")
    x = np.load(folder / "data.npz")["x"]
    for item in (graph, Fold().apply(graph)):
        (folder / "again.onnx").write_bytes(export(item, ("final",)))
        assert np.allclose(onnxruntime_run(folder / "again.onnx", x), run(graph, x), atol=1e-4)
