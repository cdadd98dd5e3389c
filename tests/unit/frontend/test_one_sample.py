"""Models that were exported for one sample alone: their batch axis may be moved, merged or gone."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import model, node, onnxruntime_run, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops import host, interpret
from emcc.passes.fold import Fold

RNG = np.random.default_rng(9)
WEIGHTS = {
    "w": RNG.standard_normal((6, 4)).astype(np.float32),
    "u": RNG.standard_normal((4, 6)).astype(np.float32),
    "b": np.float32([1, -2, 0.5, 0.25]),
    "row": np.float32([[1, -2, 0.5, 0.25]]),
    "grid": RNG.standard_normal((3, 2)).astype(np.float32),
    "low": np.float32([-1]),
    "high": np.float32(1),
    "all": np.array([-1]),
    "vector": np.array([6]),
    "flat": np.array([1, 6]),
    "swapped": np.array([2, 3]),
    "four": np.array([4]),
    "0": np.array([0]),
    "12": np.array([1, 2]),
    "01": np.array([0, 1]),
    "first": np.array([0]),
    "stack": np.array([3, 2, 1]),
    "last": np.array(-1),
}
ONE = [1, 2, 3]
V = node("Reshape", ["x", "all"], "v")
M = node("MatMul", ["v", "w"], "m")
MADE = {
    "flatten all": [node("Flatten", ["x"], "f", axis=0), node("MatMul", ["f", "w"], "y")],
    "flatten last": [
        node("Flatten", ["x"], "f", axis=3),
        node("Reshape", ["f", "flat"], "g"),
        node("Gemm", ["g", "w"], "y"),
    ],
    "to a vector": [V, M, node("Add", ["m", "b"], "y")],
    "stated": [node("Reshape", ["x", "vector"], "v"), node("Relu", ["v"], "r"), node("MatMul", ["r", "w"], "y")],
    "and back": [V, node("Unsqueeze", ["v", "0"], "f"), node("Gemm", ["f", "w"], "y")],
    "weights first": [V, node("MatMul", ["u", "v"], "m"), node("Sub", ["b", "m"], "y")],
    "a column": [node("Flatten", ["x"], "f"), node("Transpose", ["f"], "t"), node("MatMul", ["u", "t"], "y")],
    "a row added": [V, M, node("Add", ["m", "row"], "y")],
    "batch moved": [
        node("Transpose", ["x"], "t", perm=[1, 0, 2]),
        node("Tanh", ["t"], "h"),
        node("Reshape", ["h", "flat"], "f"),
        node("Gemm", ["f", "w"], "y"),
    ],
    "turned without a batch": [
        node("Squeeze", ["x", "0"], "s"),
        node("Transpose", ["s"], "t"),
        node("Mul", ["t", "grid"], "m"),
        node("Reshape", ["m", "flat"], "f"),
        node("Gemm", ["f", "w"], "y"),
    ],
    "squeezed": [
        node("Flatten", ["x"], "f"),
        node("Gemm", ["f", "w"], "g"),
        node("Unsqueeze", ["g", "12"], "u4"),
        node("Squeeze", ["u4"], "s"),
        node("LeakyRelu", ["s"], "y"),
    ],
    "softmax of a vector": [
        V,
        M,
        node("Softmax", ["m"], "p", axis=0),
        node("Reshape", ["p", "four"], "y"),
    ],
    "class of a vector": [
        V,
        M,
        node("ArgMax", ["m"], "y", axis=0, keepdims=0),
    ],
    "by its own shape": [
        node("Squeeze", ["x", "0"], "s"),
        node("Shape", ["s"], "h"),
        node("ReduceProd", ["h"], "n"),
        node("Reshape", ["s", "n"], "v"),
        node("MatMul", ["v", "w"], "y"),
    ],
    "joined": [
        V,
        M,
        node("Relu", ["m"], "r"),
        node("Concat", ["r", "m"], "c", axis=0),
        node("Add", ["c", "c"], "y"),
    ],
    "the only one picked": [
        node("Gather", ["x", "first"], "s", axis=0),
        node("Flatten", ["s"], "f", axis=0),
        node("Gemm", ["f", "w"], "y"),
    ],
    "the last one picked": [
        node("Gather", ["x", "last"], "s", axis=0),
        node("Reshape", ["s", "vector"], "v"),
        node("MatMul", ["v", "w"], "y"),
    ],
    "two stacks": [
        node("Reshape", ["x", "stack"], "a"),
        node("Transpose", ["a"], "t", perm=[0, 2, 1]),
        node("MatMul", ["a", "t"], "p"),
        node("Softmax", ["p"], "s", axis=2),
        node("MatMul", ["s", "a"], "o"),
        node("Reshape", ["o", "flat"], "f"),
        node("Gemm", ["f", "w"], "y"),
    ],
    "clipped": [V, node("Clip", ["v", "", "high"], "c"), node("MatMul", ["c", "w"], "y")],
}


def agree(proto: onnx.ModelProto, folder: Path, shape: tuple[int, ...] = (2, 3)) -> None:
    """Sample by sample: what onnxruntime gives for one is what emcc gives for it among others, folded or not."""
    path = save(proto, folder / "m.onnx")
    graph = frontend.load(path)
    x = RNG.standard_normal((3, *shape)).astype(np.float32)
    for either in (graph, Fold().apply(graph)):
        got = host.apply(either.host, interpret.run(either, x))
        assert len(got) == 3
        for sample, result in zip(x, got, strict=True):
            truth = onnxruntime_run(path, sample[None])
            np.testing.assert_allclose(np.reshape(result, truth.shape), truth, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MADE)
def test_agrees_with_onnxruntime(tmp_path: Path, name: str) -> None:
    kind = onnx.TensorProto.INT64 if name.startswith("class") else onnx.TensorProto.FLOAT
    agree(model(MADE[name], ONE, weights=WEIGHTS, output_type=kind), tmp_path)


@pytest.mark.parametrize("name", ["flatten all", "to a vector", "weights first", "batch moved", "a column"])
@pytest.mark.parametrize("batch", ["n", 2])
def test_only_for_one_sample(tmp_path: Path, name: str, batch: str | int) -> None:
    """With an open batch axis, or two samples, the same nodes mix them."""
    with pytest.raises(EmccError, match=r"mixes the batch with|moves the batch axis"):
        frontend.load(save(model(MADE[name], [batch, 2, 3], weights=WEIGHTS), tmp_path / "m.onnx"))


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ([node("Squeeze", ["x", "0"], "s"), node("GlobalAveragePool", ["s"], "y", "it")], "without the batch in front"),
        ([node("Gather", ["x", "twice"], "y", "it", axis=0)], "gathers samples of the batch"),
        ([node("Gather", ["x", "second"], "y", "it", axis=0)], "its indices go from 1 to 1, of 1 elements"),
        ([node("Squeeze", ["x", "0"], "s"), node("Softmax", ["s"], "y", "it", axis=2)], "axis 2 is not one of 2"),
    ],
)
def test_what_still_needs_a_batch(tmp_path: Path, nodes: list[onnx.NodeProto], text: str) -> None:
    weights = {**WEIGHTS, "back": np.ones((1, 2), np.float32), "twice": np.array([0, 0]), "second": np.array(1)}
    with pytest.raises(EmccError) as caught:
        frontend.load(save(model(nodes, ONE, weights=weights), tmp_path / "m.onnx"))
    assert text in str(caught.value)


def test_bounds_with_an_axis(tmp_path: Path) -> None:
    """Which onnxruntime does not take, and some exporters write."""
    proto = model([node("Clip", ["x", "low", "high"], "y")], ["n", 3], weights=WEIGHTS)
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    assert [(each.op, dict(each.attrs)) for each in graph.nodes] == [("Clip", {"low": -1.0, "high": 1.0})]
    two = model([node("Clip", ["x", "b"], "y", "it")], ["n", 3], weights=WEIGHTS)
    with pytest.raises(EmccError, match=r"node 'it': its bound 'min' is float32 \[4\], not one float"):
        frontend.load(save(two, tmp_path / "m.onnx"))


@st.composite
def moves(draw: st.DrawFn) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray], tuple[int, ...]]:
    """A chain of moves of one sample, each legal for the shape it finds, then a layer on the flattened tensor."""
    start = (1, *draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    nodes, weights, shape, last = [], {}, start, "x"
    for i in range(draw(st.integers(1, 6))):
        op = draw(st.sampled_from(["Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Tanh", "Mul"]))
        inputs, attrs = [last], {}
        if op == "Transpose" and shape:
            attrs["perm"] = list(draw(st.permutations(range(len(shape)))))
            shape = tuple(shape[axis] for axis in attrs["perm"])
        elif op == "Reshape":
            order = draw(st.permutations([*shape, 1]))
            weights[f"s{i}"] = np.array(order, np.int64)
            inputs, shape = [last, f"s{i}"], tuple(order)
        elif op == "Squeeze":
            shape = tuple(size for size in shape if size != 1)
        elif op == "Unsqueeze":
            at = draw(st.integers(0, len(shape)))
            weights[f"s{i}"] = np.array([at])
            inputs, shape = [last, f"s{i}"], (*shape[:at], 1, *shape[at:])
        elif op == "Flatten" and shape:
            at = draw(st.integers(0, len(shape)))
            attrs["axis"], shape = at, (int(np.prod(shape[:at])), int(np.prod(shape[at:])))
        elif op == "Mul":
            weights[f"s{i}"] = RNG.standard_normal(shape).astype(np.float32)
            inputs = [last, f"s{i}"]
        elif op != "Tanh":
            continue
        nodes.append(node(op, inputs, f"t{i}", **attrs))
        last = f"t{i}"
    size = int(np.prod(shape))
    weights |= {"back": np.array([1, size]), "w": RNG.standard_normal((size, 3)).astype(np.float32)}
    nodes += [node("Reshape", [last, "back"], "v"), node("MatMul", ["v", "w"], "y")]
    return nodes, weights, start


@settings(max_examples=60, deadline=None)
@given(moves())
def test_any_moves_of_one_sample(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[list[onnx.NodeProto], dict[str, np.ndarray], tuple[int, ...]]
) -> None:
    nodes, weights, start = drawn
    agree(model(nodes, start, weights=weights), tmp_path_factory.mktemp("moves"), start[1:])
