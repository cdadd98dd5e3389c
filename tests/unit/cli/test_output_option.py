"""--output, and the command that messages name, through the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import run
from models import model, node, save
from onnx import TensorProto, helper

pytest.importorskip("onnxruntime")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: two.onnx with the outputs "h" and "y", shrink.onnx with an operator that emcc has not."""
    weights = {"v": np.eye(6, 5, dtype=np.float32), "w": np.eye(5, 3, dtype=np.float32)}
    nodes = [node("MatMul", ["x", "v"], "h"), node("Relu", ["h"], "r"), node("MatMul", ["r", "w"], "y")]
    proto = model(nodes, ["n", 6], weights=weights)
    proto.graph.output.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, None))
    save(proto, tmp_path / "two.onnx")
    save(model([node("Shrink", ["x"], "y", "shrink")], ["n", 6]), tmp_path / "shrink.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_compile_takes_the_output_that_is_named(folder: Path) -> None:
    sentence = "is taken as the output, of a model that has 'y', 'h'"
    run("compile", "two.onnx", "--keep-weights", "--out", "both", "-q")
    facts = json.loads((folder / "both" / "emcc.json").read_text())
    assert [end["name"] for end in facts["model"]["outputs"]] == ["y", "h"]
    text = run("compile", "two.onnx", "--keep-weights", "--output", "h", "--out", "a")
    assert "import: agrees with onnxruntime on 64 samples; 'h' " + sentence in " ".join(text.split())
    assert len(json.loads((folder / "a" / "emcc.json").read_text())["layers"]) == 1
    run("compile", "two.onnx", "--keep-weights", "--output", "y", "--out", "b", "-q")
    assert len(json.loads((folder / "b" / "emcc.json").read_text())["layers"]) == 2


def test_compare_takes_the_output_that_was_compiled(folder: Path) -> None:
    np.savez(folder / "d.npz", x=np.random.default_rng(0).standard_normal((30, 6)).astype(np.float32))
    run("compile", "two.onnx", "--keep-weights", "--output", "h", "--data", "d.npz", "--out", "a", "-q")
    assert json.loads((folder / "a" / "emcc.json").read_text())["model"]["taken"] == "h"
    text = run("compare", "a", "--model", "two.onnx", "--data", "d.npz")
    assert [line.split()[0] for line in text.splitlines() if line.strip().startswith(("x ", "h ", "y "))] == ["x", "h"]


def test_compress_and_inspect_take_it_too(folder: Path) -> None:
    run("compress", "two.onnx", "--keep-weights", "--output", "h", "--out", "c", "-q")
    checked = json.loads((folder / "c" / "emcc.json").read_text())["model"]["checked"]
    assert checked.endswith("; 'h' is taken as the output, of a model that has 'y', 'h'")
    text = run("inspect", "two.onnx", "--output", "h", "--json", "s.json")
    assert "\ntaken as the output: h\n" in text
    assert "supported: `emcc compile` takes this model" in text
    assert json.loads((folder / "s.json").read_text())["model"]["taken"] == "h"
    assert "taken as" not in run("inspect", "two.onnx")
    assert "Relu" not in run("inspect", "two.onnx", "--output", "h", "--ir")
    assert "Relu" in run("inspect", "two.onnx", "--output", "y", "--ir")
    assert "--output 'z' is no tensor that the model computes" in run("inspect", "two.onnx", "--output", "z", code=2)


@pytest.mark.parametrize("command", [["compile"], ["compress", "--keep-weights"], ["inspect", "--ir"]])
def test_messages_name_the_command_that_was_typed(folder: Path, command: list[str]) -> None:
    text = run(*command, "shrink.onnx", code=2)
    assert f"node 'shrink': operator Shrink is not supported by emcc {command[0]} (Shrink)" in text


def test_inspect_names_no_other_command(folder: Path) -> None:
    assert "operator Shrink is not supported by emcc" in " ".join(run("inspect", "shrink.onnx", code=2).split())
