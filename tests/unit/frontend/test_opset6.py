"""Models of opset 6, whose operators broadcast by attributes and say whether they are for inference."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from models import Shape, model, node, onnxruntime_run, save
from onnx import helper, version_converter

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops import interpret

RNG = np.random.default_rng(10)
WEIGHTS = {
    "w": RNG.standard_normal((3, 4)).astype(np.float32),
    "wt": RNG.standard_normal((4, 3)).astype(np.float32),
    "b": np.float32([1, 0.5, -1]),
    "d": np.float32([2, 0.5, -4]),
    "c": np.float32([1, -2]),
    "k": RNG.standard_normal((2, 2, 3, 3)).astype(np.float32),
    "one": np.float32([0.5]),
    "v": np.float32([0.5, 1, 2]),
    "flat": np.array([0, -1]),
}
CONVERTED = {
    "gemm": ([node("Gemm", ["x", "w", "b"], "h", transB=1, broadcast=1), node("Relu", ["h"], "y")], (4,)),
    "last axis": ([node("MatMul", ["x", "wt"], "m"), node("Add", ["m", "b"], "y", broadcast=1)], (4,)),
    "stated axis": ([node("MatMul", ["x", "wt"], "m"), node("Div", ["m", "d"], "y", broadcast=1, axis=1)], (4,)),
    "inference": (
        [node("Gemm", ["x", "w", "b"], "h", transB=1, broadcast=1),
         node("BatchNormalization", ["h", "b", "d", "b", "v"], "n", is_test=1),
         node("Dropout", ["n"], "o", is_test=1), node("Clip", ["o"], "y", min=0.0, max=6.0)],
        (4,),
    ),
    "constants": (
        [node("Mul", ["wt", "b"], "w2", broadcast=1, axis=1), node("MatMul", ["x", "w2"], "h"),
         node("Softmax", ["h"], "y")],
        (4,),
    ),
}  # fmt: skip


def old(nodes: Sequence[onnx.NodeProto], shape: Shape, opset: int = 6) -> onnx.ModelProto:
    """A model of IR version 3, as exporters of that time wrote it."""
    names = {name for each in nodes for name in each.input}
    weights = {name: value for name, value in WEIGHTS.items() if name in names}
    proto = model(nodes, shape, weights=weights, opset=opset, ir_version=3)
    for tensor in proto.graph.initializer:
        proto.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return proto


@pytest.mark.parametrize("name", CONVERTED)
def test_means_what_the_converter_makes_of_it(tmp_path: Path, name: str) -> None:
    """onnx converts a model whose axes are all numbers; emcc reads it as it is, its batch open."""
    nodes, shape = CONVERTED[name]
    fixed = old(nodes, [1, *shape])
    fixed.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", 1, None))
    newer = version_converter.convert_version(fixed, 13)
    x = RNG.standard_normal((3, *shape)).astype(np.float32)
    graph = frontend.load(save(old(nodes, ["n", *shape]), tmp_path / "old.onnx"))
    truth = interpret.run(frontend.load(save(newer, tmp_path / "new.onnx")), x)
    np.testing.assert_allclose(interpret.run(graph, x), truth, rtol=1e-5, atol=1e-5)


def test_channels(tmp_path: Path) -> None:
    """Against the same model of opset 13, whose constants have the axes that the rule wants."""
    tail = [node("Mul", ["s", "one"], "m"), node("MaxPool", ["m"], "y", kernel_shape=[2, 2])]
    conv = node("Conv", ["x", "k"], "h")
    before = [conv, node("Sub", ["h", "c"], "s", broadcast=1, axis=1), node("Mul", ["s", "one"], "m", broadcast=1)]
    graph = frontend.load(save(old([*before, tail[1]], ["n", 2, 5, 5]), tmp_path / "old.onnx"))
    weights = {"k": WEIGHTS["k"], "c": WEIGHTS["c"][:, None, None], "one": WEIGHTS["one"]}
    now = model([conv, node("Sub", ["h", "c"], "s"), *tail], ["n", 2, 5, 5], weights=weights, opset=13)
    x = RNG.standard_normal((3, 2, 5, 5)).astype(np.float32)
    truth = onnxruntime_run(now, x)
    np.testing.assert_allclose(interpret.run(graph, x), truth, rtol=1e-5, atol=1e-5)


def test_one_constant_in_two_shapes(tmp_path: Path) -> None:
    """Along the channels of a map, and along the features behind it: each node has its own."""
    nodes = [
        node("Add", ["x", "c"], "a", broadcast=1, axis=1),
        node("Flatten", ["a"], "f"),
        node("MatMul", ["f", "narrow"], "m"),
        node("Add", ["m", "c"], "y", broadcast=1),
    ]
    proto = old(nodes, ["n", 2, 2])
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.float32([[1, 0], [1, 0], [0, 1], [0, 1]]), "narrow"))
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    np.testing.assert_array_equal(interpret.run(graph, np.zeros((1, 2, 2))), [[2 + 1, -4 - 2]])


def test_numbers(tmp_path: Path) -> None:
    """Constants without axes, with each other and with what is computed."""
    proto = old([node("Mul", ["p", "q"], "r", broadcast=1), node("Add", ["x", "r"], "y", broadcast=1)], ["n", 2])
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(np.float32(3), name) for name in "pq")
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    np.testing.assert_array_equal(interpret.run(graph, np.zeros((1, 2))), [[9, 9]])


def test_axis_is_where_it_says(tmp_path: Path) -> None:
    """By hand: [2] along the channels of [n, 2, 2], where NumPy's rule would put it along the last axis."""
    nodes = [node("Add", ["x", "c"], "y", broadcast=1, axis=1)]
    graph = frontend.load(save(old(nodes, ["n", 2, 2]), tmp_path / "m.onnx"))
    np.testing.assert_array_equal(interpret.run(graph, np.zeros((1, 2, 2))), [[[1, 1], [-2, -2]]])


@pytest.mark.parametrize(
    ("nodes", "text", "repaired"),
    [
        (
            [node("Add", ["x", "b"], "y", "it")],
            "its inputs have 2 and 1 axes, and broadcast is 0 (Add)\n  hint: set its broadcast to 1",
            [node("Add", ["x", "b"], "y", broadcast=1)],
        ),
        (
            [node("Add", ["x", "b"], "y", "it", broadcast=1, axis=2)],
            "axis 2 does not fit inputs of 2 and 1 axes (Add)\n  hint: remove its axis",
            [node("Add", ["x", "b"], "y", broadcast=1)],
        ),
        (
            [node("BatchNormalization", ["x", "b", "b", "b", "v"], "y", "it")],
            "BatchNormalization is in training mode: is_test is 0 (BatchNormalization)\n  hint: export the model for",
            [node("BatchNormalization", ["x", "b", "b", "b", "v"], "y", is_test=1)],
        ),
        (
            [node("Dropout", ["x"], "y", "it")],
            "Dropout is in training mode: is_test is 0 (Dropout)\n  hint: export the model for inference, or set is_te",
            [node("Dropout", ["x"], "y", is_test=1)],
        ),
    ],
)
def test_refused_and_repaired(
    tmp_path: Path, nodes: list[onnx.NodeProto], text: str, repaired: list[onnx.NodeProto]
) -> None:
    with pytest.raises(EmccError) as caught:
        frontend.load(save(old(nodes, ["n", 3]), tmp_path / "m.onnx"))
    assert f"node 'it': {text}" in str(caught.value)
    frontend.load(save(old(repaired, ["n", 3]), tmp_path / "m.onnx"))


@pytest.mark.parametrize("opset", [1, 3, 5])
def test_the_hint_for_what_is_older_works(tmp_path: Path, opset: int) -> None:
    """Every axis a number, then the converter: the model is read, for any number of samples."""
    gemm = node("Gemm", ["x", "w", "b"], "h", transB=1, broadcast=1)
    reshape = node("Reshape", ["h"], "r", shape=[-1, 3]) if opset < 5 else node("Reshape", ["h", "flat"], "r")
    proto = old([gemm, reshape, node("Relu", ["r"], "y")], ["n", 4], opset)
    with pytest.raises(EmccError) as caught:
        frontend.load(save(proto, tmp_path / "m.onnx"))
    assert str(caught.value).endswith(
        f"uses opset {opset}; emcc reads 6 to {onnx.defs.onnx_opset_version()}\n  hint: export it again with a newer "
        "opset; or give every axis of its inputs and outputs a number, the batch 1, and convert it: "
        "onnx.version_converter.convert_version(model, 13)"
    )
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    proto.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", 1, [1, 3]))
    graph = frontend.load(save(version_converter.convert_version(proto, 13), tmp_path / "m.onnx"))
    x = RNG.standard_normal((5, 4)).astype(np.float32)
    truth = np.maximum(x @ WEIGHTS["w"].T + WEIGHTS["b"], 0)
    np.testing.assert_allclose(interpret.run(graph, x), truth, rtol=1e-5, atol=1e-5)
