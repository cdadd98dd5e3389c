"""Fold: the form it makes, what it keeps to the bit, and what it makes up where nothing else fits."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import mlp, model, node, onnxruntime_run, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ir.graph import Graph
from emcc.legal.verify import verify
from emcc.ops import host, interpret
from emcc.passes.fold import Fold

RNG = np.random.default_rng(0)
W = RNG.standard_normal((6, 6)).astype(np.float32)
V = (RNG.random(6) + 0.5).astype(np.float32)


def folded(proto: onnx.ModelProto, folder: Path) -> Graph:
    """Loaded and folded; it must be legal, and mean what onnxruntime means."""
    graph = frontend.load(save(proto, folder / "m.onnx"))
    result = Fold().apply(graph)
    verify(result, after="fold")
    x = RNG.standard_normal((3, *graph.tensors[graph.inputs[0]].shape[1:])).astype(np.float32)
    truth = onnxruntime_run(proto, x)
    np.testing.assert_allclose(host.apply(result.host, interpret.run(result, x)), truth, rtol=1e-4, atol=1e-5)
    return result


def ops_of(graph: Graph) -> list[str]:
    return [layer.op for layer in graph.nodes]


def test_normalisation_and_arithmetic_go_into_the_layer_before(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], "h", "fc"),
        node("Add", ["h", "v"], "b"),
        node("BatchNormalization", ["b", "v", "v", "v", "v"], "n"),
        node("Mul", ["v", "n"], "m"),
        node("Sub", ["v", "m"], "s"),
        node("Relu", ["s"], "r", "act"),
    ]
    graph = folded(model(nodes, ["n", 6], weights={"w": W, "v": V}), tmp_path)
    assert [(layer.name, layer.op, layer.inputs, layer.outputs) for layer in graph.nodes] == [
        ("fc", "Linear", ("x", "w", "fc.bias"), ("s",)),
        ("act", "Relu", ("s",), ("r",)),
    ]
    assert graph.tensors["x"].shape == graph.tensors["s"].shape == (None, 6)


def test_arithmetic_in_front_goes_into_the_columns(tmp_path: Path) -> None:
    nodes = [
        node("Sub", ["x", "mean"], "c"),
        node("Div", ["c", "std"], "d"),
        node("Transpose", ["d"], "t", perm=[0, 2, 1]),
        node("Flatten", ["t"], "f"),
        node("Gemm", ["f", "w", "v"], "y", "fc"),
    ]
    weights = {"mean": np.float32(0.4), "std": V.reshape(2, 3), "w": W, "v": V}
    graph = folded(model(nodes, ["n", 2, 3], weights=weights), tmp_path)
    assert ops_of(graph) == ["Linear"]
    assert graph.tensors["x"].shape == (None, 2, 3)
    order = np.arange(6).reshape(2, 3).T.ravel()
    expected = np.empty((6, 6))
    expected[:, order] = W.T.astype(np.float64) / V[order]
    np.testing.assert_allclose(graph.constants["w"], expected, rtol=1e-6)


def test_zeros_stay_zero_and_unscaled_weights_keep_their_bits(tmp_path: Path) -> None:
    proto = mlp([6, 40, 30, 4], ["Relu", "Tanh", None], density=0.2, input_shape=(2, 3), style="matmul")
    given = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    graph = folded(proto, tmp_path)
    for layer in graph.layers():
        name = layer.inputs[1]
        assert graph.constants[name].tobytes() == np.ascontiguousarray(given[name].T).tobytes()
        assert graph.constants[name].dtype == np.float32
    nodes = [node("Mul", ["x", "s"], "h"), node("Gemm", ["h", "w", "v"], "z", alpha=0.3), node("Div", ["z", "s"], "y")]
    sparse = W * (RNG.random((6, 6)) < 0.4)
    graph = folded(model(nodes, ["n", 6], weights={"w": sparse, "v": V, "s": V}), tmp_path)
    np.testing.assert_array_equal(graph.constants["w"] == 0, sparse.T == 0)


def test_a_permutation_of_columns_keeps_the_bits(tmp_path: Path) -> None:
    nodes = [
        node("Transpose", ["x"], "t", perm=[0, 2, 1]),
        node("Flatten", ["t"], "f"),
        node("MatMul", ["f", "w"], "y"),
    ]
    graph = folded(model(nodes, ["n", 2, 3], weights={"w": W}), tmp_path)
    order = np.arange(6).reshape(2, 3).T.ravel()
    assert graph.constants["w"][:, order].tobytes() == np.ascontiguousarray(W.T).tobytes()


@pytest.mark.parametrize("op", ["Relu", "Sigmoid"])
def test_a_permutation_behind_the_last_activation_costs_nothing(tmp_path: Path, op: str) -> None:
    nodes = [
        node("MatMul", ["x", "w"], "h"),
        node(op, ["h"], "a"),
        node("Reshape", ["a", "s"], "r"),
        node("Transpose", ["r"], "y", perm=[0, 2, 1]),
    ]
    graph = folded(model(nodes, ["n", 6], weights={"w": W, "s": np.array([0, 2, 3])}), tmp_path)
    assert ops_of(graph) == ["Linear", op]
    assert graph.tensors["y"].shape == (None, 3, 2)


@pytest.mark.parametrize(
    ("nodes", "ops"),
    [
        ([node("Relu", ["x"], "y")], ["Linear", "Relu"]),
        ([node("Relu", ["x"], "a"), node("Tanh", ["a"], "y")], ["Linear", "Relu", "Linear", "Tanh"]),
        ([node("Identity", ["x"], "y")], ["Linear"]),
        ([node("Softmax", ["x"], "y")], ["Linear"]),
        ([node("Mul", ["x", "v"], "y")], ["Linear"]),
        ([node("MatMul", ["x", "w"], "h"), node("MatMul", ["h", "w"], "y")], ["Linear", "Linear"]),
        ([node("Tanh", ["x"], "a"), node("Add", ["a", "v"], "y")], ["Linear", "Tanh", "Linear"]),
        ([node("Tanh", ["x"], "a"), node("Mul", ["a", "v"], "b"), node("Tanh", ["b"], "y")], ["Linear", "Tanh"] * 2),
    ],
)
def test_what_has_no_matrix_gets_a_diagonal_one(tmp_path: Path, nodes: list[onnx.NodeProto], ops: list[str]) -> None:
    used = {name for made in nodes for name in made.input}
    weights = {name: value for name, value in {"v": V, "w": W}.items() if name in used}
    graph = folded(model(nodes, ["n", 6], weights=weights), tmp_path)
    assert ops_of(graph) == ops
    assert graph.outputs[0] == "y" or graph.host


def test_one_weight_used_twice_becomes_two(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], "h"), node("Mul", ["h", "v"], "m"), node("MatMul", ["m", "w"], "y")]
    graph = folded(model(nodes, ["n", 6], weights={"v": V, "w": W}), tmp_path)
    assert [layer.inputs[1] for layer in graph.layers()] == ["w", "w#2"]


@pytest.mark.parametrize("tail", ["Softmax", "LogSoftmax", "ArgMax"])
def test_the_host_gets_the_tail(tmp_path: Path, tail: str) -> None:
    graph = folded(mlp([6, 5, 4], tail=tail), tmp_path)
    assert graph.outputs == ("z1",)
    assert [op for op, _ in graph.host] == [tail]
    assert graph.host[0][1]["axis"] == 1


def test_weights_beyond_float32(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], "h", "fc"), node("Mul", ["h", "s"], "y")]
    path = save(model(nodes, ["n", 6], weights={"w": W, "s": np.float32(3e38)}), tmp_path / "m.onnx")
    with pytest.raises(EmccError, match="node 'fc': its weights are beyond float32"):
        Fold().apply(frontend.load(path))


def test_no_diagonal_larger_than_memory(tmp_path: Path) -> None:
    path = save(model([node("Relu", ["x"], "y", "act")], ["n", 100, 1000]), tmp_path / "m.onnx")
    with pytest.raises(EmccError, match="node 'act': there is no matrix to fold 100000 elementwise operations into"):
        Fold().apply(frontend.load(path))
