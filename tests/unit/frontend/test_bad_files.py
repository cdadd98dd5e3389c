"""Files that are not models: each message is what the user reads, and is held to the letter."""

import random
from pathlib import Path

import onnx
import pytest
from models import mlp, model, node, save

from emcc import frontend
from emcc.base.errors import EmccError

NEWEST = onnx.defs.onnx_opset_version()
EXPORT = "\n  hint: give the .onnx file that the exporter wrote, e.g. by torch.onnx.export(model, x, 'model.onnx')"


def message(path: Path) -> str:
    """What load says, without the folder; survey says the same."""
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    with pytest.raises(EmccError) as surveyed:
        frontend.survey(path)
    assert str(surveyed.value) == str(caught.value)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_not_there(tmp_path: Path) -> None:
    assert message(tmp_path / "m.onnx") == "m.onnx: there is no such file\n  hint: check the path"


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").mkdir()
    assert message(tmp_path / "m.onnx") == "m.onnx: is a folder, not an ONNX model" + EXPORT


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    assert message(tmp_path / "m.onnx") == "m.onnx: is empty" + EXPORT


@pytest.mark.parametrize("part", [0.3, 0.5, 0.9, 0.999])
def test_cut_short(tmp_path: Path, part: float) -> None:
    data = mlp([20, 10, 5]).SerializeToString()
    (tmp_path / "m.onnx").write_bytes(data[: int(len(data) * part)])
    assert message(tmp_path / "m.onnx") == "m.onnx: is not an ONNX model, or is cut short" + EXPORT


def test_every_cut_and_many_flips_are_errors_or_models(tmp_path: Path) -> None:
    """No damage leads to anything but EmccError or a graph."""
    data, rng = mlp([3, 2, 2], tail="Softmax").SerializeToString(), random.Random(1)
    damaged = [data[:end] for end in range(0, len(data), 3)]
    for _ in range(400):
        flipped = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            flipped[rng.randrange(len(data))] = rng.randrange(256)
        damaged.append(bytes(flipped))
    outcomes = set()
    for content in damaged:
        (tmp_path / "m.onnx").write_bytes(content)
        try:
            frontend.load(tmp_path / "m.onnx")
            outcomes.add("model")
        except EmccError:
            outcomes.add("error")
        try:
            frontend.survey(tmp_path / "m.onnx")
        except EmccError:
            outcomes.add("no survey")
    assert outcomes == {"model", "error", "no survey"}


def test_random_bytes(tmp_path: Path) -> None:
    rng = random.Random(0)
    for size in [1, 2, 3, 8, 100, 10000] * 20:
        (tmp_path / "m.onnx").write_bytes(rng.randbytes(size))
        assert message(tmp_path / "m.onnx").startswith("m.onnx: ")


def test_bytes_that_parse_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\x98\x06\x01")
    assert message(tmp_path / "m.onnx") == "m.onnx: holds no ONNX graph: it has no nodes" + EXPORT


def test_no_nodes(tmp_path: Path) -> None:
    proto = mlp([3, 2])
    del proto.graph.node[:]
    assert message(save(proto, tmp_path / "m.onnx")) == "m.onnx: holds no ONNX graph: it has no nodes" + EXPORT


def test_no_outputs(tmp_path: Path) -> None:
    proto = mlp([3, 2])
    del proto.graph.output[:]
    assert message(save(proto, tmp_path / "m.onnx")) == (
        "m.onnx: its graph has no output\n  hint: export it again, with its output named"
    )


def test_old_opset(tmp_path: Path) -> None:
    assert message(save(mlp([3, 2], opset=5), tmp_path / "m.onnx")) == (
        f"m.onnx: uses opset 5; emcc reads 6 to {NEWEST}\n"
        "  hint: export it again with a newer opset; or give every axis of its inputs and outputs a number, the batch "
        "1, and convert it: onnx.version_converter.convert_version(model, 13)"
    )


def test_future_opset(tmp_path: Path) -> None:
    assert message(save(mlp([3, 2], opset=999), tmp_path / "m.onnx")) == (
        f"m.onnx: uses opset 999, which onnx {onnx.__version__} does not know yet (its newest is {NEWEST})\n"
        f"  hint: pip install --upgrade onnx, or export it with opset {NEWEST} or older"
    )


def test_no_opset(tmp_path: Path) -> None:
    proto = mlp([3, 2])
    del proto.opset_import[:]
    assert message(save(proto, tmp_path / "m.onnx")) == (
        "m.onnx: states 0 opset versions for the default operators, not one\n"
        f"  hint: export it again, with an opset from 6 to {NEWEST}"
    )


@pytest.mark.parametrize("version", [3, 10, 14, 99])
def test_any_ir_version_that_parses(tmp_path: Path, version: int) -> None:
    proto = model([node("Relu", ["x"], "y")], ["n", 3])
    proto.ir_version = version
    assert frontend.load(save(proto, tmp_path / "m.onnx")).nodes[0].op == "Relu"
