"""Axes that a file leaves open, besides the batch: said with --shape, or those of the data."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from models import model, node, save
from typer.testing import CliRunner

import emcc
from emcc import frontend
from emcc.base.errors import EmccError
from emcc.cli import app
from emcc.driver.shapes import parsed
from emcc.frontend import Shapes

K = np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(np.float32)
W = np.random.default_rng(2).normal(size=(4, 2)).astype(np.float32)


def image(shape: tuple[object, ...] = ("n", 3, "height", "width")) -> onnx.ModelProto:
    """A small network on images of any size."""
    nodes = [
        node("Conv", ["x", "k"], "c"),
        node("Relu", ["c"], "r"),
        node("GlobalAveragePool", ["r"], "g"),
        node("Flatten", ["g"], "f"),
        node("MatMul", ["f", "w"], "y"),
    ]
    return model(nodes, list(shape), weights={"k": K, "w": W})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return save(image(), tmp_path / "m.onnx")


def test_said(path: Path) -> None:
    """By name or for the only input; the batch stays open, or is as many as it says."""
    for given in (["x:?x3x6x5"], ["?,?,6,5"], ["x:1x3x6x5"]):
        assert frontend.load(path, shapes=Shapes(parsed(given))).tensors["x"].shape == (None, 3, 6, 5)


def test_of_the_data(path: Path) -> None:
    for name in ("x", "data"):
        held = {name: (7, 3, 6, 5), "y": (7,)}
        if name == "x":
            assert frontend.load(path, shapes=Shapes(held=held)).tensors["x"].shape == (None, 3, 6, 5)
            continue
        with pytest.raises(EmccError, match="only the first axis, the batch, may be open"):
            frontend.load(path, shapes=Shapes(held=held))


def test_what_is_said_goes_before_the_data(path: Path) -> None:
    shapes = Shapes(parsed(["?x3x6x5"]), {"x": (7, 3, 9, 9)})
    assert frontend.load(path, shapes=shapes).tensors["x"].shape == (None, 3, 6, 5)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("1x1x6x5", "is .* in the file, and --shape says 1 for 3"),
        ("3x6x5", "has 4 axes"),
        ("z:1x3x6x5", "has no input 'z', only 'x'"),
    ],
)
def test_not_of_this_model(path: Path, given: str, text: str) -> None:
    with pytest.raises(EmccError, match=text):
        frontend.load(path, shapes=Shapes(parsed([given])))


@pytest.mark.parametrize("text", ["", "x", "x:", "x:0x3", "x:3x-1", "1x3x6x5x", "x:99999999999", "\u0663x3"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(EmccError, match="says no sizes"):
        parsed([text])
    with pytest.raises(EmccError, match="twice"):
        parsed(["x:1x3", "x:1x3"])


def test_of_several_inputs_each_is_named(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], "a"), node("MatMul", ["z", "w"], "b"), node("Add", ["a", "b"], "y")]
    proto = model(nodes, ["n", "k"], weights={"w": W})
    proto.graph.input.append(onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, ["n", "k"]))
    path = save(proto, tmp_path / "m.onnx")
    with pytest.raises(EmccError, match="has 2 inputs"):
        frontend.load(path, shapes=Shapes(parsed(["?x4"])))
    graph = frontend.load(path, shapes=Shapes(parsed(["x:?x4", "z:?x4"])))
    assert [graph.tensors[name].shape for name in graph.inputs] == [(None, 4), (None, 4)]
    assert frontend.load(path, shapes=Shapes(held={"x": (2, 4), "z": (2, 4)})).inputs == graph.inputs


def test_compile_compare_and_python(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sizes are in emcc.json, where the comparison finds them; data alone says them too; inspect takes them."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(3).normal(size=(8, 3, 6, 5)).astype(np.float32)
    np.savez("d.npz", x=x)
    said = ["compile", "m.onnx", "--shape", "?x3x6x5", "--pes", "2", "--keep-weights", "--out", "a", "-q"]
    result = CliRunner().invoke(app, said)
    assert result.exit_code == 0, result.output
    manifest = json.loads(Path("a/emcc.json").read_text())
    assert manifest["model"]["shape"] == {"": [None, 3, 6, 5]}
    assert "agrees with onnxruntime" in manifest["passes"][0]["did"]
    compared = CliRunner().invoke(app, ["compare", "a", "--model", "m.onnx", "--data", "d.npz"])
    assert compared.exit_code == 0, compared.output
    by_data = emcc.compile("m.onnx", data=x, keep_weights=True, pes=2)
    assert by_data.predict(x[:2]).shape == (2, 2)
    by_shape = emcc.compile("m.onnx", shape=(None, 3, 6, 5), keep_weights=True, pes=2)
    assert by_shape.files["program.npz"] == Path("a/program.npz").read_bytes()
    inspected = CliRunner().invoke(app, ["inspect", "m.onnx", "--shape", "1x3x6x5"])
    assert inspected.exit_code == 0
    bare = CliRunner().invoke(app, ["compile", "m.onnx"])
    assert bare.exit_code == 2
    assert "--shape 'x:1x3x224x224'" in bare.stderr.replace("\n", " ").replace("   ", " ")
