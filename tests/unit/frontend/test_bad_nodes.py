"""Nodes that emcc does not understand or must not pass: each message is held to the letter."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import model, node, save
from onnx import helper

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.passes.fold import Fold

W = {"w": np.ones((3, 3), np.float32)}


def message(proto: onnx.ModelProto, folder: Path) -> str:
    """What load says."""
    path = save(proto, folder / "m.onnx")
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (node("Relu", ["x"], "y", slope=2.0), "Relu of opset 17 has no attribute 'slope' (Relu)"),
        (node("LeakyRelu", ["x"], "y", alpha=1), "attribute 'alpha' is of the wrong type (LeakyRelu)"),
        (node("LeakyRelu", ["x"], "y", alpha=float("nan")), "attribute 'alpha' is nan (LeakyRelu)"),
        (node("Cast", ["x"], "y"), "has no attribute 'to' (Cast)"),
        (node("Cast", ["x"], "y", to=7), "casts a computed tensor to INT64 (Cast)"),
        (node("Relu", ["x", "x"], "y"), "has 2 inputs (Relu)"),
        (node("Div", ["x", "zero"], "y"), "divides by 'zero', which is zero at [1] (Div)"),
        (node("MatMul", ["x", "x"], "y"), "its shapes do not fit: (None, 3) times (None, 3) (MatMul)"),
        (node("Gemm", ["w", "x"], "y"), "the first matrix is constant, the second computed (Gemm)"),
        (node("MatMul", ["x", "v"], "y"), "its shapes do not fit: (None, 3) times (5, 3) (MatMul)"),
        (node("Transpose", ["x"], "y"), "perm [1, 0] moves the batch axis (Transpose)"),
        (node("Flatten", ["x"], "y", axis=0), "Flatten with axis=0 mixes the batch with the features (Flatten)"),
        (node("Flatten", ["x"], "y", axis=2), "Flatten with axis=2 mixes the batch with the features (Flatten)"),
        (node("Reshape", ["x", "s"], "y"), "the reshape to [-1] mixes the batch with the features (Reshape)"),
        (node("Unsqueeze", ["x", "zero"], "y"), "input 1 is not a vector of integers (Unsqueeze)"),
        (node("Softmax", ["x"], "y", axis=0), "Softmax runs over the batch axis (Softmax)"),
        (node("ArgMax", ["x"], "y"), "ArgMax runs over the batch axis (ArgMax)"),
        (node("Frobnicate", ["x"], "y"), "opset 17 has no operator 'Frobnicate' (Frobnicate)"),
        (node("Sigmoid", ["x"], "y", "a", domain="my.own"), "Sigmoid is not a standard operator"),
    ],
)
def test_nodes_that_are_not_understood(tmp_path: Path, wrong: onnx.NodeProto, text: str) -> None:
    weights = {**W, "zero": np.array([1, 0, 2], np.float32), "v": np.ones((5, 3), np.float32), "s": np.array([-1])}
    error = message(model([wrong], ["n", 3], weights=weights), tmp_path)
    assert error.startswith(f"m.onnx: node {wrong.name!r}: {text}"), error
    assert "\n  hint: " in error


def test_softmax_in_the_middle(tmp_path: Path) -> None:
    nodes = [node("Softmax", ["x"], "p"), node("MatMul", ["p", "w"], "y", "after")]
    graph = Fold().apply(frontend.load(save(model(nodes, ["n", 3], weights=W), tmp_path / "m.onnx")))
    assert [each.op for each in graph.nodes] == ["Softmax", "Linear"]


def test_batch_normalization_in_training(tmp_path: Path) -> None:
    ones = np.ones(3, np.float32)
    bn = node("BatchNormalization", ["x", "g", "b", "m", "v"], "y", "bn", training_mode=1)
    proto = model([bn], ["n", 3], weights={"g": ones, "b": ones, "m": ones, "v": ones})
    assert message(proto, tmp_path) == (
        "m.onnx: node 'bn': BatchNormalization is in training mode (BatchNormalization)\n"
        "  hint: export the model for inference: model.eval() before torch.onnx.export"
    )
    del proto.graph.node[0].attribute[:]
    proto.graph.initializer[3].raw_data = np.array([1, -2, 1], np.float32).tobytes()
    assert "the variance at [1] is -2.0: it has no square root" in message(proto, tmp_path)


def test_dropout_in_training_and_its_mask(tmp_path: Path) -> None:
    weights = {"r": np.float32(0.5), "t": np.asarray(True), **W}
    proto = model([node("Dropout", ["x", "r", "t"], "y", "drop")], ["n", 3], weights=weights)
    assert "node 'drop': Dropout is in training mode" in message(proto, tmp_path)
    drop = helper.make_node("Dropout", ["x"], ["d", "mask"], name="drop")
    proto = model([drop, node("Relu", ["mask"], "y")], ["n", 3])
    assert "node 'drop': its output 'mask' is used" in message(proto, tmp_path)


@pytest.mark.parametrize(
    ("shape", "target", "text"),
    [
        (["n", 4, 6], [-1, 8], "the reshape to [-1, 8] mixes the batch with the features"),
        (["n", 4, 6], [-1, 7], "cannot reshape [4, 6] samples to [-1, 7]"),
        (["n", 4, 6], [1, -1], "the reshape to [1, -1] mixes the batch with the features"),
        (["n", 4, 6], [4, 12], "reshapes samples of 24 elements to [4, 12]"),
        (["n", 4, 6], [0, 5], "reshapes samples of 24 elements to [0, 5]"),
        (["n", 4, 6], [0, -1, -1], "cannot reshape [4, 6] samples to [0, -1, -1]"),
        (["n", 4, 6], [0, -1, 2, 0], "reshapes to [0, -1, 2, 0], but there are 3 axes to copy"),
    ],
)
def test_reshapes(tmp_path: Path, shape: list[int | str], target: list[int], text: str) -> None:
    proto = model([node("Reshape", ["x", "s"], "y", "view")], shape, weights={"s": np.array(target)})
    assert message(proto, tmp_path).splitlines()[0] == f"m.onnx: node 'view': {text} (Reshape)"


def test_constant_that_differs_by_sample(tmp_path: Path) -> None:
    value = np.arange(6, dtype=np.float32).reshape(2, 3)
    proto = model([node("Pow", ["x", "c"], "y", "pow")], [2, 3], weights={"c": value})
    assert "node 'pow': its constant differs from sample to sample of the batch" in message(proto, tmp_path)


@pytest.mark.parametrize("op", ["ConstantOfShape", "Tile", "Expand", "Range"])
def test_constants_are_bounded(tmp_path: Path, op: str) -> None:
    """A few bytes of model do not make terabytes."""
    many, one = np.array([2**20, 2**20]), np.ones((1, 1), np.float32)
    weights = {"many": many, "one": one, "a": np.float32(0), "b": np.float32(2.0**40), "d": np.float32(1)}
    inputs = {"ConstantOfShape": ["many"], "Range": ["a", "b", "d"]}.get(op, ["one", "many"])
    proto = model([node(op, inputs, "c", "big"), node("Add", ["x", "c"], "y")], ["n", 3], weights=weights)
    assert "node 'big': computes a constant of 1099511627" in message(proto, tmp_path)
