"""Weights that lie about themselves: each message is held to the letter."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from models import mlp, model, node, save

from emcc import frontend
from emcc.base.errors import EmccError

AGAIN = "\n  hint: the file is damaged: export it again"


def weight_of(proto: onnx.ModelProto) -> onnx.TensorProto:
    """fc0.weight."""
    return next(tensor for tensor in proto.graph.initializer if tensor.name == "fc0.weight")


def message(proto: onnx.ModelProto, folder: Path) -> str:
    """What load says; a survey never fails over a tensor."""
    path = save(proto, folder / "m.onnx")
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    assert not frontend.survey(path).supported
    return str(caught.value).replace(f"{folder}/", "")


def test_declared_larger_than_stored(tmp_path: Path) -> None:
    proto = mlp([3, 2])
    weight_of(proto).dims[:] = [2**20, 2**20]
    assert message(proto, tmp_path) == (
        "m.onnx: node 'fc0': tensor 'fc0.weight' is [1048576, 1048576] of FLOAT, 4398046511104 bytes, "
        "but 24 bytes are stored (Gemm)" + AGAIN
    )


def test_listed_values_are_counted(tmp_path: Path) -> None:
    proto = mlp([3, 2])
    weight = weight_of(proto)
    weight.ClearField("raw_data")
    weight.float_data[:] = [1.0] * 5
    assert message(proto, tmp_path) == (
        "m.onnx: node 'fc0': tensor 'fc0.weight' is [2, 3], 6 elements, but 5 are stored (Gemm)" + AGAIN
    )


def test_negative_dimension(tmp_path: Path) -> None:
    proto = mlp([3, 2])
    weight_of(proto).dims[:] = [-2, -3]
    assert "tensor 'fc0.weight' has a negative dimension: [-2, -3]" in message(proto, tmp_path)


def test_no_elements(tmp_path: Path) -> None:
    proto = model([node("Gemm", ["x", "w"], "y")], ["n", 3], weights={"w": np.zeros((3, 0), np.float32)})
    assert message(proto, tmp_path) == (
        "m.onnx: node 'y_node': input 1 ('w') is [3, 0]: it has no elements (Gemm)\n  hint: give it some"
    )


def test_a_type_that_is_not_a_number(tmp_path: Path) -> None:
    proto = mlp([3, 2])
    weight_of(proto).data_type = onnx.TensorProto.STRING
    assert "tensor 'fc0.weight' holds STRING, which emcc does not read" in message(proto, tmp_path)


@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_not_finite(tmp_path: Path, value: float, shown: str) -> None:
    weight = np.ones((3, 4), np.float32)
    weight[1, 2] = value
    proto = model([node("MatMul", ["x", "w"], "y")], ["n", 3], weights={"w": weight})
    assert message(proto, tmp_path) == (
        f"m.onnx: node 'y_node': 'w' holds {shown} at [1, 2] (MatMul)\n"
        "  hint: train again, or mend it: weights must be finite"
    )


def test_integer_weights(tmp_path: Path) -> None:
    proto = model([node("MatMul", ["x", "w"], "y")], ["n", 3], weights={"w": np.ones((3, 4), np.int64)})
    assert message(proto, tmp_path) == (
        "m.onnx: node 'y_node': input 1 ('w') holds int64, not floats (MatMul)\n  hint: store it as float32"
    )


def test_sparse_tensors(tmp_path: Path) -> None:
    proto = mlp([3, 2])
    sparse = proto.graph.sparse_initializer.add()
    sparse.values.name = "fc9"
    path = save(proto, tmp_path / "m.onnx")
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    assert str(caught.value) == (
        f"{path}: stores sparse tensors, which emcc does not read\n  'fc9'\n  hint: store them dense"
    )


def external(location: str, **entries: str) -> onnx.ModelProto:
    """mlp([3, 2]) with fc0.weight (24 bytes) outside."""
    proto = mlp([3, 2])
    weight = weight_of(proto)
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    return proto


@pytest.mark.parametrize(
    "location", ["../w.bin", "a/../../w.bin", "/etc/hostname", "", "..\\w.bin", "C:\\w.bin", "w\0"]
)
def test_outside_the_folder(tmp_path: Path, location: str) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(24))
    (tmp_path / "in").mkdir()
    text = message(external(location), tmp_path / "in")
    assert "tensor 'fc0.weight' is stored in " in text
    assert "which is not inside the model's folder (Gemm)\n  hint: put the data file beside the model" in text


def test_a_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(24))
    (tmp_path / "in").mkdir()
    os.symlink("../w.bin", tmp_path / "in" / "w.bin")
    assert "which is not inside the model's folder" in message(external("w.bin"), tmp_path / "in")


def test_missing(tmp_path: Path) -> None:
    assert message(external("w.bin"), tmp_path) == (
        "m.onnx: node 'fc0': tensor 'fc0.weight' is stored in 'w.bin', which is not there (Gemm)\n"
        "  hint: copy the data file beside the model"
    )


def test_too_short(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(20))
    assert message(external("w.bin", offset="8"), tmp_path) == (
        "m.onnx: node 'fc0': tensor 'fc0.weight' is stored in 'w.bin', bytes 8 to 32, but that file ends at 20 (Gemm)\n"
        "  hint: copy the whole data file, or export the model again"
    )


@pytest.mark.parametrize(("key", "value"), [("offset", "-1"), ("offset", "9" * 30), ("length", "x"), ("length", "23")])
def test_wrong_numbers(tmp_path: Path, key: str, value: str) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(24))
    assert "the model is damaged" in message(external("w.bin", **{key: value}), tmp_path)


def test_inside_the_folder(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "w.bin").write_bytes(bytes(5) + values.tobytes() + bytes(9))
    path = save(external("data/w.bin", offset="5", length="24"), tmp_path / "m.onnx")
    np.testing.assert_array_equal(frontend.load(path).constants["fc0.weight"], values)
