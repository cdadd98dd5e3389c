"""Models of several inputs and outputs on the command line: compress, run, and what takes one alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from models import model, node, save
from onnx import TensorProto, helper
from typer.testing import CliRunner

from emcc.cli import app

ort = pytest.importorskip("onnxruntime")
OUTPUTS = [word for name in "ymq" for word in ("--output", name)]
RNG = np.random.default_rng(0)


def random(*shape: int) -> np.ndarray:
    return (RNG.standard_normal(shape) / 2).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """m.onnx: image x and vector z in; scores y, gated map m, and q behind a Softmax in the middle out."""
    weights = {"k": random(4, 1, 3, 3), "k2": random(4, 4, 1, 1), "w": random(100, 5), "v": random(6, 5)}
    weights["u"] = random(5, 3)
    nodes = [
        node("Conv", ["x", "k"], "c", pads=[1] * 4),
        node("HardSwish", ["c"], "h"),
        node("GlobalAveragePool", ["h"], "g"),
        node("Conv", ["g", "k2"], "e"),
        node("Sigmoid", ["e"], "s"),
        node("Mul", ["h", "s"], "m"),
        node("Flatten", ["m"], "f"),
        node("Gemm", ["f", "w"], "a"),
        node("MatMul", ["z", "v"], "b"),
        node("Add", ["a", "b"], "y"),
        node("Softmax", ["y"], "p", axis=1),
        node("MatMul", ["p", "u"], "q"),
    ]
    proto = model(nodes, ["n", 1, 5, 5], None, weights, y="y")
    proto.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 6]))
    proto.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "mq")
    save(proto, tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=random(80, 1, 5, 5), z=random(80, 6))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_compressed_and_run(folder: Path) -> None:
    run("compress", "m.onnx", *OUTPUTS, "--keep-weights", "--data", "d.npz", "--out", "c", "-q")
    facts = json.loads((folder / "c" / "emcc.json").read_text())
    assert facts["model"]["checked"] == "agrees with onnxruntime on 64 samples"
    assert facts["quality"]["outputs"] == 5 + 100 + 3
    run("run", "c", "--data", "d.npz", "--out", "a.npz")
    with np.load(folder / "d.npz") as data, np.load(folder / "a.npz") as answers:
        feeds = dict(data)
        wanted = ort.InferenceSession(folder / "m.onnx").run(None, feeds)
        for name, value in zip("ymq", wanted, strict=True):
            np.testing.assert_allclose(answers[name], value, atol=2e-2)
        again = ort.InferenceSession(folder / "c" / "compressed.onnx").run(None, feeds)
        for name, value in zip("ymq", again, strict=True):
            np.testing.assert_allclose(answers[name], value, atol=1e-3)


def test_compressed_for_a_goal(folder: Path) -> None:
    pytest.importorskip("torch")
    goal = ["--target-sparsity", "0.5", "--steps", "20"]
    run("compress", "m.onnx", *OUTPUTS, "--data", "d.npz", *goal, "--out", "c", "-q")
    search = json.loads((folder / "c" / "emcc.json").read_text())["search"]
    assert search["measure"] == "explained variance of the worst output"


def test_data_that_does_not_fit(folder: Path) -> None:
    np.savez(folder / "e.npz", x=random(4, 1, 5, 5))
    compress = ["compress", "m.onnx", *OUTPUTS, "--keep-weights", "--out", "c", "--data", "e.npz"]
    assert "no array of the input 'z', only x\n  hint: write numpy.savez(path, **{name" in run(*compress, code=2)
    np.savez(folder / "e.npz", x=random(4, 1, 5, 5), z=random(3, 6))
    assert "inputs have different numbers of samples: 'x' 4, 'z' 3" in run(*compress, code=2)
    np.savez(folder / "e.npz", x=random(4, 1, 5, 5), z=random(4, 5))
    assert "z has shape [4, 5], but the model's input 'z' is [n, 6]" in run(*compress, code=2)
    np.savez(folder / "e.npz", x=random(4, 1, 5, 5), z=random(4, 6), y=np.zeros(4, np.int64))
    text = run(*compress, code=2)
    assert (
        "y is of no output: the model has 3\n  hint: call the labels or targets of an output by its name: y_y" in text
    )
