"""Fold on graphs: what goes into a Conv, what stays, and that runs of matrix products fold as in a chain."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import model, node, onnxruntime_run, save

from emcc import frontend
from emcc.ir.graph import Graph
from emcc.legal.verify import verify
from emcc.ops import host, interpret
from emcc.passes.fold import Fold

RNG = np.random.default_rng(0)
K = RNG.standard_normal((4, 2, 3, 3)).astype(np.float32)
B = RNG.standard_normal(4).astype(np.float32)
P = (RNG.random((4, 1, 1)) + 0.5).astype(np.float32)
Q = (RNG.random((2, 1, 1)) + 0.5).astype(np.float32)
ROWS = (RNG.random((4, 6, 1)) + 0.5).astype(np.float32)
V = (RNG.random(4) + 0.5).astype(np.float32)
SHAPES = {
    "grouped": (6, 2, 2, 2),
    "one": (4, 4, 1, 1),
    "w": (144, 5),
    "square": (144, 8),
    "in": (128, 6),
    "mid": (6, 6),
}
WEIGHTS = {"k": K, "b": B, "p": P, "q": Q, "rows": ROWS, "v": V, "two": np.float32(2), "shape": np.array([0, 2, 2, 2])}
WEIGHTS |= {name: RNG.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}


def folded(nodes: list[onnx.NodeProto], folder: Path) -> Graph:
    """Loaded and folded; it must be legal, and mean what onnxruntime means."""
    used = {name for made in nodes for name in made.input}
    proto = model(nodes, ["n", 2, 8, 8], weights={name: value for name, value in WEIGHTS.items() if name in used})
    graph = frontend.load(save(proto, folder / "m.onnx"))
    result = Fold().apply(graph)
    verify(result, after="fold")
    x = RNG.standard_normal((3, 2, 8, 8)).astype(np.float32)
    truth = onnxruntime_run(proto, x)
    np.testing.assert_allclose(host.apply(result.host, interpret.run(result, x)), truth, rtol=1e-4, atol=1e-4)
    return result


def ops_of(graph: Graph) -> list[str]:
    return [layer.op for layer in graph.nodes]


def conv(x: str, y: str, *more: str, weight: str = "k", **attrs: object) -> onnx.NodeProto:
    return node("Conv", [x, weight, *more], y, f"conv_{y}", **attrs)


def test_arithmetic_on_channels_goes_into_the_conv_before(tmp_path: Path) -> None:
    nodes = [
        conv("x", "c", "b"),
        node("BatchNormalization", ["c", "v", "v", "v", "v"], "n"),
        node("Identity", ["n"], "i"),
        node("Sub", ["p", "i"], "s"),
        node("Div", ["s", "two"], "d"),
        node("Relu", ["d"], "y", "act"),
    ]
    graph = folded(nodes, tmp_path)
    assert [(layer.name, layer.op, layer.inputs, layer.outputs) for layer in graph.nodes] == [
        ("conv_c", "Conv", ("x", "k", "b"), ("d",)),
        ("act", "Relu", ("d",), ("y",)),
    ]
    assert set(graph.constants) == {"k", "b"}
    assert graph.constants["b"].dtype == np.float64


def test_a_shift_leaves_the_weights_their_bits(tmp_path: Path) -> None:
    graph = folded([conv("x", "c"), node("Add", ["p", "c"], "y")], tmp_path)
    assert ops_of(graph) == ["Conv"]
    assert graph.constants["k"].tobytes() == K.tobytes()
    np.testing.assert_array_equal(graph.constants["p"], P.ravel())


@pytest.mark.parametrize(
    ("before", "pads", "ops"),
    [
        (node("Mul", ["x", "q"], "h"), [1, 1, 1, 1], ["Conv"]),
        (node("Add", ["x", "q"], "h"), [0, 0, 0, 0], ["Conv"]),
        (node("Add", ["x", "q"], "h"), [1, 0, 0, 0], ["Add", "Conv"]),
    ],
)
def test_arithmetic_in_front_goes_in_unless_padding_would_have_to_know(
    tmp_path: Path, before: onnx.NodeProto, pads: list[int], ops: list[str]
) -> None:
    assert ops_of(folded([before, conv("h", "y", pads=pads)], tmp_path)) == ops


def test_scales_of_grouped_inputs(tmp_path: Path) -> None:
    """Each group of a Conv sees channels of its own."""
    nodes = [conv("x", "c"), node("Tanh", ["c"], "t"), node("Mul", ["t", "p"], "m"), node("Add", ["m", "p"], "a")]
    graph = folded([*nodes, conv("a", "y", weight="grouped", group=2)], tmp_path)
    assert ops_of(graph) == ["Conv", "Tanh", "Conv"]


def test_arithmetic_within_channels_stays(tmp_path: Path) -> None:
    graph = folded([conv("x", "c"), node("Mul", ["c", "rows"], "m"), node("Relu", ["m"], "y")], tmp_path)
    assert ops_of(graph) == ["Conv", "Mul", "Relu"]


def test_what_two_nodes_read_is_not_folded_away(tmp_path: Path) -> None:
    nodes = [conv("x", "c"), node("Mul", ["c", "p"], "m"), node("Relu", ["c"], "r"), node("Add", ["m", "r"], "y")]
    assert ops_of(folded(nodes, tmp_path)) == ["Conv", "Mul", "Relu", "Add"]


def test_one_weight_used_twice_becomes_two(tmp_path: Path) -> None:
    nodes = [conv("x", "c"), conv("c", "d", weight="one"), node("Mul", ["d", "p"], "m"), conv("m", "y", weight="one")]
    graph = folded(nodes, tmp_path)
    assert sorted(layer.inputs[1] for layer in graph.layers()) == ["k", "one", "one#2"]


def test_the_tail_folds_as_a_chain(tmp_path: Path) -> None:
    """A transposed Flatten permutes columns; the softmax is the host's."""
    nodes = [
        conv("x", "c"),
        node("Relu", ["c"], "r"),
        node("Transpose", ["r"], "t", perm=[0, 2, 3, 1]),
        node("Flatten", ["t"], "f"),
        node("MatMul", ["f", "w"], "z", "fc"),
        node("Mul", ["z", "two"], "m"),
        node("Softmax", ["m"], "y"),
    ]
    graph = folded(nodes, tmp_path)
    assert ops_of(graph) == ["Conv", "Relu", "Linear"]
    assert [op for op, _ in graph.host] == ["Softmax"]
    assert graph.outputs == ("m",)
    order = np.arange(144).reshape(4, 6, 6).transpose(1, 2, 0).ravel()
    np.testing.assert_array_equal(graph.constants["w"][:, order], 2 * WEIGHTS["w"].T)


def test_a_matrix_product_between_images(tmp_path: Path) -> None:
    nodes = [
        conv("x", "c"),
        node("Flatten", ["c"], "f"),
        node("MatMul", ["f", "square"], "z", "fc"),
        node("Reshape", ["z", "shape"], "r"),
        node("GlobalAveragePool", ["r"], "g"),
        node("MaxPool", ["r"], "m", kernel_shape=[2, 2]),
        node("Concat", ["g", "m"], "y", axis=1),
    ]
    graph = folded(nodes, tmp_path)
    assert ops_of(graph) == ["Conv", "Linear", "Reshape", "GlobalAveragePool", "MaxPool", "Concat"]
    assert graph.tensors["r"].shape == (None, 2, 2, 2)


def test_a_residual_perceptron(tmp_path: Path) -> None:
    nodes = [
        node("Flatten", ["x"], "f"),
        node("MatMul", ["f", "in"], "a"),
        node("Relu", ["a"], "h"),
        node("MatMul", ["h", "mid"], "c"),
        node("Add", ["c", "h"], "d"),
        node("Relu", ["d"], "y"),
    ]
    assert ops_of(folded(nodes, tmp_path)) == ["Linear", "Relu", "Linear", "Add", "Relu"]
