"""`emcc run`: answers as the ONNX model would give them, the same bytes each time, and what saturates beside them."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from commands import printed as run
from models import mlp, model, node, onnxruntime_run, random_weight, save
from onnx import numpy_helper
from qgraphs import inputs
from qgraphs import quantised as quantised_graph
from typer.testing import CliRunner

from emcc.cli import app
from emcc.container import decode, encode
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import load_program
from emcc.ir.graph import Graph
from emcc.ops.interpret import trace
from emcc.runtime import answers, batches
from emcc.runtime.answers import reference
from emcc.runtime.final import Worth
from emcc.runtime.opened import Opened
from emcc.samples.dataset import Dataset

WARNING = "of those that are not zero) saturate"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def samples(count: int, *shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Normal float32."""
    return np.random.default_rng(seed).standard_normal((count, *shape)).astype(np.float32)


def compiled(proto: onnx.ModelProto, x: np.ndarray[Any, Any], *options: str, command: str = "compile") -> None:
    """Write model.onnx and data.npz; make "out" of them, all weights kept."""
    save(proto, Path("model.onnx"))
    np.savez("data.npz", x=x)
    run(command, "model.onnx", "--data", "data.npz", "--keep-weights", "--out", "out", "--quiet", *options)


def reshaped() -> onnx.ModelProto:
    """An input of 2 x 3, an output of 2 x 2."""
    weights = {"w": random_weight(np.random.default_rng(1), 4, 6), "s": np.array([0, 2, 2], np.int64)}
    nodes = [
        node("Flatten", ["x"], "f", axis=1),
        node("Gemm", ["f", "w"], "g", transB=1),
        node("Reshape", ["g", "s"], "y"),
    ]
    return model(nodes, ["n", 2, 3], ["n", 2, 2], weights)


def test_values_are_the_float_models(folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    for tail in (None, "Softmax", "LogSoftmax"):
        proto, x = mlp((6, 9, 4), seed=2, tail=tail), samples(50, 6)
        compiled(proto, x)
        run("run", "out", "--data", "data.npz", "--out", "y.npz", "--quiet")
        wanted, got = onnxruntime_run(proto, x), np.load("y.npz")
        assert list(got) == ["y"]
        assert (got["y"].shape, got["y"].dtype) == (wanted.shape, wanted.dtype)
        assert np.abs(got["y"] - wanted).max() < 2e-3


def test_classes_of_an_arg_max(folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    proto, x = mlp((6, 9, 4), seed=2, tail="ArgMax"), samples(200, 6)
    compiled(proto, x)
    run("run", "out", "--data", "data.npz", "--out", "y.npz", "--quiet")
    wanted, got = onnxruntime_run(proto, x), np.load("y.npz")["y"]
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    assert np.mean(got == wanted) > 0.98


def test_the_models_shapes(folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    proto, x = reshaped(), samples(30, 2, 3)
    compiled(proto, x)
    run("run", "out", "--data", "data.npz", "--out", "y.npz", "--quiet")
    wanted = onnxruntime_run(proto, x)
    assert np.load("y.npz")["y"].shape == wanted.shape == (30, 2, 2)
    assert np.abs(np.load("y.npz")["y"] - wanted).max() < 2e-3


@pytest.mark.parametrize("convolutional", [False, True])
def test_folders_of_compress(folder: Path, convolutional: bool) -> None:
    pytest.importorskip("onnxruntime")
    proto, x = mlp((6, 9, 4), seed=2, tail="Softmax"), samples(40, 6)
    if convolutional:
        weights = {"k": random_weight(np.random.default_rng(3), 2, 9).reshape(2, 1, 3, 3)}
        nodes = [node("Conv", ["x", "k"], "c", pads=[1, 1, 1, 1]), node("Relu", ["c"], "y")]
        proto, x = model(nodes, ["n", 1, 4, 4], ["n", 2, 4, 4], weights), samples(40, 1, 4, 4)
    compiled(proto, x, command="compress")
    shown = run("run", "out", "--data", "data.npz", "--out", "y.npz", "--json", "told.json")
    wanted, got = onnxruntime_run(Path("out/compressed.onnx"), x), np.load("y.npz")["y"]
    wanted = wanted if convolutional else onnxruntime_run(proto, x)
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() < 2e-3
    told = json.loads(Path("told.json").read_text())
    assert (told["saturation"] is None) == convolutional == ("computes in floats" in shown)


def test_the_same_bytes_and_what_is_told(folder: Path) -> None:
    compiled(mlp((6, 9, 4), seed=2), samples(50, 6))
    np.savez("test.npz", x=samples(60, 6, seed=1), y=np.arange(60) % 4)
    shown = run("run", "out", "--data", "test.npz", "--out", "a.npz", "--json", "told.json", "--count", "40")
    assert run("run", "out", "--data", "test.npz", "--out", "b.npz", "--quiet", "--count", "40") == ""
    assert Path("a.npz").read_bytes() == Path("b.npz").read_bytes()
    assert "a.npz: y [40, 4] float32" in shown
    told = json.loads(Path("told.json").read_text())
    y = np.load("a.npz")["y"]
    assert told["accuracy"] == np.mean(y.argmax(axis=1) == np.arange(40) % 4)
    assert (told["engine"], told["samples"], told["failure"]) == ("reference", 40, None)
    assert told["outputs"] == {"y": {"shape": [40, 4], "dtype": "float32"}}
    assert told["saturation"]["inputs"]["values"] == 240
    assert [row["name"] for row in told["saturation"]["layers"]] == ["fc0", "fc1"]


def test_data_on_another_scale_is_a_warning_in_colour(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.abs(samples(64, 12))
    compiled(mlp((12, 9, 4), seed=2), x)
    assert WARNING not in run("run", "out", "--data", "data.npz", "--out", "y.npz")
    raw = np.where(np.random.default_rng(0).random(x.shape) < 0.5, x * 255, 0).astype(np.float32)
    np.savez("raw.npz", x=raw)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "400")
    shown = run("run", "out", "--data", "raw.npz", "--out", "y.npz", "--json", "told.json")
    inputs = json.loads(Path("told.json").read_text())["saturation"]["inputs"]
    beyond = int(np.count_nonzero(raw > inputs["high"]))
    assert (inputs["saturated"], inputs["nonzero"]) == (beyond, int(np.count_nonzero(raw)))
    assert beyond > 0.9 * inputs["nonzero"]
    lines = shown.splitlines()
    (at,) = (i for i, line in enumerate(lines) if WARNING in line)
    assert lines[at].startswith("\x1b[33mwarning: ")
    assert "--data" in lines[at]
    assert "outputs that saturate" in lines[at - 2], "it is the first line after the table"


def test_several_outputs_by_their_names() -> None:
    chain = quantised_graph([5, 8, 3], seed=4)
    renamed = {"y0": "../up/a", "y1": "up_a"}

    def to(name: str) -> str:
        return renamed.get(name, name)

    nodes = tuple(
        type(one)(one.name, one.op, tuple(map(to, one.inputs)), tuple(map(to, one.outputs)), one.attrs)
        for one in chain.nodes
    )
    tensors = {to(name): type(tensor)(to(name), tensor.shape, fmt=tensor.fmt) for name, tensor in chain.tensors.items()}
    graph = Graph("net", ("x",), ("../up/a", "up_a"), nodes, tensors, chain.constants)
    opened = Opened(Path("nowhere"), {}, lower(graph, LowerOptions(pes=2)), graph, array=False)
    integers = inputs(10, 5)
    fmt = graph.tensors["x"].fmt
    assert fmt is not None
    got = reference(opened, Dataset(fmt.dequantise(integers).astype(np.float32)), lambda done, total: None)
    values = trace(graph, integers)
    assert list(got.final) == ["_up_a", "up_a"]
    for key, name in zip(got.final, graph.outputs, strict=True):
        own = graph.tensors[name].fmt
        assert own is not None
        assert np.array_equal(got.final[key], own.dequantise(values[name]).astype(np.float32))
    assert got.worth.accuracy is None


def test_batches_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(mlp((6, 9, 4), seed=2), samples(50, 6))
    run("run", "out", "--data", "data.npz", "--out", "a.npz", "--json", "a.json", "--quiet")
    monkeypatch.setattr(batches, "ROWS", 7)
    run("run", "out", "--data", "data.npz", "--out", "b.npz", "--json", "b.json", "--quiet")
    assert Path("a.npz").read_bytes() == Path("b.npz").read_bytes()
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


def test_an_engine_that_differs_writes_no_answers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(mlp((6, 9, 4), seed=2), samples(50, 6))
    found = SimpleNamespace(
        inferences=50, final={}, worth=Worth(), saturation=None, complaint="first difference: 3, not 4"
    )
    monkeypatch.setattr(answers, "simulate", lambda *arguments, **options: found)
    result = CliRunner().invoke(app, ["run", "out", "--data", "data.npz", "--out", "y.npz", "--engine", "rtl"])
    assert result.exit_code == 1
    assert "rtl is not what the reference is: first difference: 3, not 4" in result.stderr
    assert not Path("y.npz").exists()


def test_where_a_function_is_flat_nothing_is_lost(folder: Path) -> None:
    """Calibration ends the format of tanh's argument where tanh is flat; of LeakyRelu's nothing is flat."""
    proto, x = mlp((6, 9, 4), ["Tanh", None], seed=2), samples(300, 6)
    (large,) = (tensor for tensor in proto.graph.initializer if tensor.name == "fc0.weight")
    weight = 12 * numpy_helper.to_array(large)
    large.CopyFrom(numpy_helper.from_array(weight, large.name))
    compiled(proto, x)
    run("run", "out", "--data", "data.npz", "--out", "y.npz", "--json", "told.json", "--quiet")
    fmt = load_program(Path("out/program.npz")).steps[0].z_fmt
    beyond = np.abs(x @ weight.T) > fmt.dequantise(np.array(fmt.high)) + 1
    assert beyond.mean() > 0.2
    assert json.loads(Path("told.json").read_text())["saturation"]["layers"][0]["saturated"] == 0


def test_an_illegal_model_is_the_files_fault(folder: Path) -> None:
    compiled(mlp((6, 9, 4), seed=2), samples(50, 6), command="compress")
    file = Path("out/model.emc")
    graph = decode(file.read_bytes())
    (last,) = (one for one in graph.nodes if one.outputs == graph.outputs)
    wrong = [replace(one, attrs={**one.attrs, "shift": 99}) if one is last else one for one in graph.nodes]
    file.write_bytes(encode(graph.with_(nodes=tuple(wrong))))
    result = CliRunner().invoke(app, ["run", "out", "--data", "data.npz", "--out", "y.npz"])
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("emcc: error: out/model.emc: holds no model that emcc writes: after quantise: ")
