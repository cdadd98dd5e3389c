"""Comparisons and what selects by them, elements by constant indices, sums of whole samples, inputs without a batch
axis: against onnxruntime, folded and exported too."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import Shape, model, node, onnxruntime_run, save

import emcc
from emcc import frontend
from emcc.base.errors import EmccError
from emcc.frontend.export import export
from emcc.ir.graph import Graph, Node, Tensor
from emcc.measure import truth
from emcc.ops import interpret
from emcc.passes.fold import Fold

RNG = np.random.default_rng(23)
W = {
    "w": RNG.standard_normal((4, 4)).astype(np.float32),
    "k": RNG.standard_normal((2, 3, 1, 1)).astype(np.float32),
    "t": np.float32([0.5, -0.25, 0, 1]),
    "zero": np.float32(0),
    "one": np.float32(1),
    "minus": np.float32(-1),
    "mask": np.array([True, False, True, True]),
    "flat": np.array([0, -1]),
    "first": np.array([0]),
    "place": np.int64([[[0, 1], [0, 3]]]),
    "pair": np.float32([[7, 8]]),
    "last": np.int64(-1),
    "up": np.float32([1, 1, 1.5, 2]),
}
FC = node("MatMul", ["x", "w"], "m")


def agrees(folder: Path, nodes: list[onnx.NodeProto], shape: Shape, opset: int = 17) -> Graph:
    """The graph of x -> nodes, held against onnxruntime; of three samples, or one by one where the model has one."""
    path = save(model(nodes, shape, weights=W, opset=opset), folder / "m.onnx")
    graph = frontend.load(path)
    x = RNG.standard_normal((3, *(graph.tensors["x"].shape[1:]))).astype(np.float32)  # type: ignore[arg-type]
    x[0].flat[:1] = 0
    alone = isinstance(shape[0], int)
    bare = len(shape) < x.ndim
    runs = [onnxruntime_run(path, part[0] if bare else part) for part in (x[i : i + 1] for i in range(3))]
    wanted = np.stack([run.ravel() for run in runs]) if alone else onnxruntime_run(path, x).reshape(3, -1)
    folded = Fold().apply(graph)
    for got in (interpret.run(graph, x), interpret.run(folded, x)):
        np.testing.assert_allclose(np.reshape(got, (3, -1)), wanted, rtol=1e-4, atol=1e-5)
    again = folder / "again.onnx"
    again.write_bytes(export(folded))
    np.testing.assert_allclose(onnxruntime_run(again, x).reshape(3, -1), wanted, rtol=1e-4, atol=1e-5)
    return folded


@pytest.mark.parametrize("op", ["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"])
@pytest.mark.parametrize("inputs", [["r", "zero"], ["t", "r"], ["r", "x"]])
def test_comparisons(tmp_path: Path, op: str, inputs: list[str]) -> None:
    """Of zeros too, which a Relu makes."""
    nodes = [node("Relu", ["x"], "r"), node(op, inputs, "b"), node("Cast", ["b"], "y", to=1)]
    graph = agrees(tmp_path, nodes, ["n", 4])
    assert "Where" not in [each.op for each in graph.nodes]


def test_logic(tmp_path: Path) -> None:
    nodes = [
        *(FC, node("Greater", ["m", "t"], "a"), node("Less", ["m", "one"], "b"), node("And", ["a", "b"], "c")),
        *(node("Not", ["c"], "d"), node("Or", ["d", "mask"], "e"), node("Xor", ["e", "b"], "f")),
        *(node("Equal", ["f", "a"], "g"), node("Unsqueeze", ["g", "first"], "h"), node("Squeeze", ["h", "first"], "i")),
        node("Cast", ["i"], "y", to=1),
    ]
    agrees(tmp_path, nodes, [1, 4])


def test_a_sign_by_where_is_one_step(tmp_path: Path) -> None:
    """Binarised activations, as larq's and tf2onnx's models spell them: a table of the array, no host part."""
    W["tenth"], after = np.float32(0.1), node("MatMul", ["s", "w"], "y")
    where = [FC, node("GreaterOrEqual", ["m", "zero"], "b"), node("Where", ["b", "one", "minus"], "s"), after]
    signs = [FC, node("Sign", ["m"], "r"), node("Add", ["r", "tenth"], "a"), node("Sign", ["a"], "s"), after]
    for nodes in (where, signs):
        graph = agrees(tmp_path, nodes, ["n", 4])
        assert [each.op for each in graph.nodes] == ["Linear", "Bipolar", "Linear"]


@pytest.mark.parametrize("inputs", [["b", "m", "zero"], ["b", "x", "m"], ["b", "t", "m"], ["mask", "m", "x"]])
def test_where(tmp_path: Path, inputs: list[str]) -> None:
    nodes = [FC, node("Less", ["x", "m"], "b"), node("Where", inputs, "y")]
    agrees(tmp_path, nodes, ["n", 4])


def test_where_takes_nothing_of_the_other(tmp_path: Path) -> None:
    """The logarithm of a number below 0 is none, and is not selected."""
    nodes = [node("Greater", ["x", "zero"], "b"), node("Log", ["x"], "l"), node("Where", ["b", "l", "zero"], "s")]
    agrees(tmp_path, [*nodes, node("MatMul", ["s", "w"], "y")], ["n", 4])


def test_what_is_no_number(tmp_path: Path) -> None:
    nodes = [node("Sqrt", ["x"], "s"), node("IsNaN", ["s"], "b"), node("Where", ["b", "one", "s"], "z")]
    agrees(tmp_path, [*nodes, node("MatMul", ["z", "w"], "y")], ["n", 4])


@pytest.mark.parametrize(
    "last",
    [
        node("GatherElements", ["m", "at"], "y", axis=1),
        node("GatherND", ["m", "place"], "y"),
        node("ScatterND", ["m", "place", "pair"], "y"),
        node("ScatterND", ["m", "place", "two"], "y"),
        node("ScatterElements", ["m", "at", "two"], "y", axis=1),
        node("CumSum", ["m", "last"], "y", reverse=1, exclusive=1),
    ],
    ids=lambda each: f"{each.op_type}-{each.input[-1]}",
)
def test_places(tmp_path: Path, last: onnx.NodeProto) -> None:
    W["at"], W["b"], W["e"] = np.int64([[-1, 0]]), np.array([0]), np.array([2])
    W["axis"] = np.array([1])
    agrees(tmp_path, [FC, node("Slice", ["x", "b", "e", "axis"], "two"), last], [1, 4])


@pytest.mark.parametrize("how", ["half_pixel", "align_corners", "asymmetric"])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_resize_by_any_factor(tmp_path: Path, how: str, mode: str) -> None:
    nodes = [node("Conv", ["x", "k"], "c")]
    nodes.append(node("Resize", ["c", "", "up"], "y", mode=mode, coordinate_transformation_mode=how))
    agrees(tmp_path, nodes, ["n", 3, 4, 3])


@pytest.mark.parametrize("upper", [0, 1])
def test_triangles(tmp_path: Path, upper: int) -> None:
    agrees(tmp_path, [FC, node("Trilu", ["m", "last"], "y", upper=upper)], ["n", 3, 4])


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMax", "ReduceMean"])
@pytest.mark.parametrize("keep", [0, 1])
def test_whole_samples(tmp_path: Path, op: str, keep: int) -> None:
    """A single number beside a map."""
    nodes = [node("Conv", ["x", "k"], "c"), node(op, ["c"], "s", keepdims=keep), node("Mul", ["c", "s"], "y")]
    agrees(tmp_path, nodes, [1, 3, 2, 2])
    with pytest.raises(EmccError, match="runs over all axes"):
        frontend.load(save(model(nodes, ["n", 3, 2, 2], weights=W), tmp_path / "open.onnx"))


def test_an_input_without_a_batch_axis(tmp_path: Path) -> None:
    """A vector; and a column, whose first axis a matrix in front of it takes for its features."""
    agrees(tmp_path, [node("MatMul", ["w", "x"], "c"), node("Relu", ["c"], "y")], [4, 1])
    agrees(tmp_path, [FC, node("Relu", ["m"], "y")], [4])
    agrees(tmp_path, [FC, node("Unsqueeze", ["m", "first"], "u"), node("Concat", ["u", "u"], "y", axis=0)], [4])


def test_what_is_compiled_of_it(tmp_path: Path) -> None:
    """A gate beside a tensor of more axes than a map has; a model without weights; one with no step at all."""
    W["five"] = np.array([1])
    gate = [
        *(node("Conv", ["x", "k"], "c"), node("ReduceMean", ["c"], "s", axes=[1, 2, 3])),
        *(node("Unsqueeze", ["c", "five"], "u"), node("Unsqueeze", ["s", "five"], "v"), node("Mul", ["u", "v"], "y")),
    ]
    pool = [node("MaxPool", ["x"], "y", kernel_shape=[2, 2])]
    for nodes in (gate, pool):
        proto = model(nodes, ["n", 3, 3, 3], weights=W)
        x = RNG.standard_normal((16, 3, 3, 3)).astype(np.float32)
        got = emcc.compile(proto, data=x, keep_weights=True, pes=2).predict(x)
        wanted = onnxruntime_run(proto, x)
        np.testing.assert_allclose(got.reshape(wanted.shape), wanted, atol=2e-3 * np.abs(wanted).max())
    with pytest.raises(EmccError, match="nothing of the model runs on the array"):
        emcc.compile(model([node("Exp", ["x"], "y")], ["n", 3]), keep_weights=True)


@pytest.mark.parametrize(("op", "wrong", "agreed"), [("Sign", 1, True), ("Sign", 9, False), ("Relu", 1, False)])
def test_a_step_that_falls_to_the_other_side(op: str, wrong: int, agreed: bool) -> None:
    """One sample of 64 may differ behind a function that jumps, and none behind any other."""
    tensors = {name: Tensor(name, (None, 2)) for name in "xy"}
    graph = Graph("g", ("x",), ("y",), (Node("n", op, ("x",), ("y",)),), tensors, {})
    close = truth.closeness(graph, half=False)
    got, wanted = np.ones((64, 2)), np.ones((64, 2))
    got[:wrong] = -1
    if agreed:
        assert "but for few" in truth.held(got, wanted, close, Path("m.onnx"))
    else:
        with pytest.raises(EmccError, match="disagrees"):
            truth.held(got, wanted, close, Path("m.onnx"))
