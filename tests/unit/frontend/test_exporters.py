"""The many ways in which exporters write the same thing."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import mlp, model, node, onnxruntime_run, save
from onnx import TensorProto, helper, numpy_helper

from emcc import frontend
from emcc.ir.graph import Graph
from emcc.ops import host, interpret
from emcc.passes.fold import Fold

W = np.arange(12, dtype=np.float32).reshape(3, 4) / 8


def graph_of(proto: onnx.ModelProto, folder: Path) -> Graph:
    """Loaded."""
    return frontend.load(save(proto, folder / "m.onnx"))


def stored(form: str) -> onnx.TensorProto:
    """W as an initializer in one of the forms that onnx.proto allows."""
    tensor = TensorProto(name="w", dims=W.shape, data_type=TensorProto.FLOAT)
    match form:
        case "raw":
            tensor.raw_data = W.tobytes()
        case "listed":
            tensor.float_data[:] = W.ravel().tolist()
        case "double":
            tensor.data_type, tensor.raw_data = TensorProto.DOUBLE, W.astype(np.float64).tobytes()
        case "double listed":
            tensor.data_type = TensorProto.DOUBLE
            tensor.double_data[:] = W.ravel().tolist()
        case "float16":
            tensor.data_type, tensor.raw_data = TensorProto.FLOAT16, W.astype(np.float16).tobytes()
        case "float16 listed":
            tensor.data_type = TensorProto.FLOAT16
            tensor.int32_data[:] = W.astype(np.float16).view(np.uint16).ravel().tolist()
        case "bfloat16":
            tensor.data_type = TensorProto.BFLOAT16
            tensor.raw_data = (W.view(np.uint32) >> 16).astype(np.uint16).tobytes()
        case "bfloat16 listed":
            tensor.data_type = TensorProto.BFLOAT16
            tensor.int32_data[:] = (W.view(np.uint32) >> 16).ravel().tolist()
    return tensor


FORMS = ["raw", "listed", "double", "double listed", "float16", "float16 listed", "bfloat16", "bfloat16 listed"]


@pytest.mark.parametrize("form", FORMS)
def test_storage_forms(tmp_path: Path, form: str) -> None:
    proto = model([node("MatMul", ["x", "w"], "y")], ["n", 3])
    proto.graph.initializer.append(stored(form))
    weight = graph_of(proto, tmp_path).constants["w"]
    assert weight.dtype == np.float32
    np.testing.assert_array_equal(weight, W)


@pytest.mark.parametrize(
    ("attrs", "value"),
    [
        ({"value": numpy_helper.from_array(np.array([1, 2, 3], np.float32))}, [1, 2, 3]),
        ({"value_float": 2.5}, 2.5),
        ({"value_floats": [1.5, 2.0, 3.0]}, [1.5, 2, 3]),
    ],
)
def test_constant_attributes(tmp_path: Path, attrs: dict[str, object], value: object) -> None:
    proto = model([node("Constant", [], "c", **attrs), node("Add", ["x", "c"], "y")], ["n", 3])
    np.testing.assert_array_equal(graph_of(proto, tmp_path).constants["c"], np.asarray(value, np.float32))


@pytest.mark.parametrize("attrs", [{"value_ints": [0, 6]}, {"value_ints": [-1, 6]}])
def test_integer_constants(tmp_path: Path, attrs: dict[str, object]) -> None:
    proto = model([node("Constant", [], "s", **attrs), node("Reshape", ["x", "s"], "y")], ["n", 2, 3])
    assert graph_of(proto, tmp_path).nodes[0].attrs == {"shape": (6,)}


def test_value_int(tmp_path: Path) -> None:
    nodes = [node("Constant", [], "a", value_int=1), node("Unsqueeze", ["x", "a"], "y")]
    assert graph_of(model(nodes, ["n", 3]), tmp_path).tensors["y"].shape == (None, 1, 3)


def test_initializers_listed_as_inputs(tmp_path: Path) -> None:
    proto = mlp([3, 2])
    for tensor in proto.graph.initializer:
        value = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        proto.graph.input.insert(0, value)
    proto.ir_version = 3
    graph = graph_of(proto, tmp_path)
    assert graph.inputs == ("x",)
    assert set(graph.tensors) == {"x", "z0"}


@pytest.mark.parametrize("batch", ["n", "", None, -1, 1, 7])
def test_batch_axes(tmp_path: Path, batch: int | str | None) -> None:
    graph = graph_of(mlp([6, 4, 2], batch=batch, input_shape=(2, 3)), tmp_path)
    assert graph.tensors["x"].shape == (None, 2, 3)
    assert graph.tensors["z1"].shape == (None, 2)
    assert interpret.run(graph, np.ones((5, 2, 3), np.float32)).shape == (5, 2)


@pytest.mark.parametrize(("batch", "target"), [(1, [1, 6]), ("n", [1, 6]), (1, [1, -1]), (3, [3, 6]), (3, [3, -1])])
def test_reshape_to_a_fixed_batch(tmp_path: Path, batch: int | str, target: list[int]) -> None:
    proto = model([node("Reshape", ["x", "s"], "y")], [batch, 2, 3], weights={"s": np.array(target)})
    graph = graph_of(proto, tmp_path)
    assert graph.nodes[0].attrs == {"shape": (6,)}
    assert interpret.run(graph, np.ones((5, 2, 3), np.float32)).shape == (5, 6)


def test_constant_with_a_row_for_each_sample(tmp_path: Path) -> None:
    value = np.tile(np.array([1, 2, 3], np.float32), (4, 1))
    graph = graph_of(model([node("Add", ["x", "c"], "y")], [4, 3], weights={"c": value}), tmp_path)
    assert graph.constants[graph.nodes[0].inputs[1]].tolist() == [[1, 2, 3]]


def test_constant_sub_graphs(tmp_path: Path) -> None:
    """A weight that is cast, transposed and reshaped; a shape computed with arithmetic."""
    nodes = [
        node("Cast", ["w16"], "w32", to=TensorProto.FLOAT),
        node("Transpose", ["w32"], "wt", perm=[1, 0]),
        node("Mul", ["wt", "scale"], "w"),
        node("Shape", ["x"], "full"),
        node("Slice", ["full", "zero", "one"], "head"),
        node("Concat", ["head", "minus"], "target", axis=0),
        node("Reshape", ["x", "target"], "flat"),
        node("MatMul", ["flat", "w"], "y"),
    ]
    weights = {
        "w16": W.reshape(2, 6).astype(np.float16),
        "scale": np.float32(2),
        "zero": np.array([0]),
        "one": np.array([1]),
        "minus": np.array([-1]),
    }
    proto = model(nodes, ["n", 2, 3], weights=weights)
    graph = graph_of(proto, tmp_path)
    assert [made.op for made in graph.nodes] == ["Reshape", "MatMul"]
    np.testing.assert_array_equal(graph.constants["w"], W.reshape(2, 6).T * 2)
    x = np.random.default_rng(0).standard_normal((3, 2, 3)).astype(np.float32)
    np.testing.assert_allclose(interpret.run(graph, x), onnxruntime_run(proto, x), rtol=1e-5, atol=1e-5)


def test_quantised_weights_are_dequantised(tmp_path: Path) -> None:
    nodes = [node("DequantizeLinear", ["q", "s"], "w"), node("MatMul", ["x", "w"], "y")]
    weights = {"q": np.array([[1, -2], [3, 4]], np.int8), "s": np.float32(0.5)}
    graph = graph_of(model(nodes, ["n", 2], weights=weights), tmp_path)
    assert graph.constants["w"].tolist() == [[0.5, -1], [1.5, 2]]


def test_dead_nodes_are_left_out(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], "y"), node("Elu", ["x"], "unused"), node("Shape", ["unused"], "also")]
    path = save(model(nodes, ["n", 3], y="y"), tmp_path / "m.onnx")
    assert [made.op for made in frontend.load(path).nodes] == ["Relu"]
    assert [report.op for report in frontend.survey(path)] == ["Relu"]


def test_nodes_out_of_order_and_without_names(tmp_path: Path) -> None:
    nodes = [node("Tanh", ["h"], "y", ""), node("Relu", ["x"], "h", "")]
    graph = graph_of(model(nodes, ["n", 3], y="y"), tmp_path)
    assert [(made.op, made.name) for made in graph.nodes] == [("Relu", "h"), ("Tanh", "y")]


def test_node_names_that_repeat(tmp_path: Path) -> None:
    nodes = [node("Tanh", ["x"], "h", "same"), node("Relu", ["h"], "y", "same")]
    assert [made.name for made in graph_of(model(nodes, ["n", 3]), tmp_path).nodes] == ["same", "same#2"]


@pytest.mark.parametrize(
    ("opset", "shape", "given", "axis"),
    [
        (9, (4, 1), 1, 1),
        (11, (1, 4), 1, 2),
        (11, (1, 1, 4), 2, 3),
        (11, (4,), None, 1),
        (13, (4,), None, 1),
        (13, (1, 4), 1, 1),
    ],
)
def test_softmax_of_every_opset(
    tmp_path: Path, opset: int, shape: tuple[int, ...], given: int | None, axis: int
) -> None:
    """Before opset 13 all axes from the given one on count as one."""
    proto = model(
        [node("Softmax", ["x"], "y", **({} if given is None else {"axis": given}))], ["n", *shape], opset=opset
    )
    x = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    folded = Fold().apply(graph_of(proto, tmp_path))
    assert folded.host == (("Softmax", {"axis": axis}),)
    result = host.apply(folded.host, interpret.run(folded, x))
    np.testing.assert_allclose(result, onnxruntime_run(proto, x), rtol=1e-5, atol=1e-6)


def test_softmax_over_several_axes(tmp_path: Path) -> None:
    """As one, before opset 13."""
    proto = model([node("Softmax", ["x"], "y")], ["n", 2, 3], opset=11)
    x = np.random.default_rng(0).standard_normal((4, 2, 3)).astype(np.float32)
    np.testing.assert_allclose(interpret.run(graph_of(proto, tmp_path), x), onnxruntime_run(proto, x), rtol=1e-5)
