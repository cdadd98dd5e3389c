"""Sum, Max, Min, Pow, Neg and Abs of computed tensors, against onnxruntime; and what of them is refused."""

from pathlib import Path

import numpy as np
import pytest
from models import Shape, model, node, onnxruntime_run, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.frontend.export import export
from emcc.ir.graph import Graph
from emcc.ops import interpret
from emcc.passes.fold import Fold

RNG = np.random.default_rng(5)
WEIGHTS = {
    "w": RNG.standard_normal((3, 3)).astype(np.float32),
    "c": np.float32([1, -2, 0.5]),
    "d": np.float32([[0.25, 3, -1]]),
    "zero": np.float32(0),
    "six": np.float32([6]),
    "half": np.float32([[0.5]]),
    "all": np.full(3, -0.25, np.float32),
    "one": np.float32(1),
    "two": np.int64(2),
    "several": np.float32([1, 1, 1]),
    "column": np.full((2, 1), 0.5, np.float32),
}


def loaded(tmp_path: Path, *nodes: tuple[object, ...], shape: Shape = ("n", 3), opset: int = 17) -> Graph:
    """x -> the nodes (op, inputs, output) -> MatMul w, loaded, folded and exported, and held against onnxruntime."""
    made = [node(str(op), list(inputs), str(output)) for op, inputs, output in nodes]  # type: ignore[call-overload]
    made.append(node("MatMul", [made[-1].output[0], "w"], "y", "fc"))
    path = save(model(made, shape, weights=WEIGHTS, opset=opset), tmp_path / "m.onnx")
    graph = frontend.load(path)
    x = RNG.standard_normal((5, 3)).astype(np.float32) * 4
    truth = onnxruntime_run(path, x)
    folded = Fold().apply(graph)
    again = tmp_path / "again.onnx"
    again.write_bytes(export(folded))
    for got in (interpret.run(graph, x), interpret.run(folded, x), onnxruntime_run(again, x)):
        np.testing.assert_allclose(got, truth, rtol=1e-4, atol=1e-4)
    return graph


def ops_of(graph: Graph) -> list[str]:
    """Operators but for the last."""
    return [each.op for each in graph.nodes[:-1]]


@pytest.mark.parametrize("opset", [8, 13, 17])
@pytest.mark.parametrize(
    ("inputs", "ops"),
    [
        (["x"], ["Relu", "Identity"]),
        (["r"], ["Relu", "Identity"]),
        (["r", "c"], ["Relu", "Add"]),
        (["c", "r", "d"], ["Relu", "Add", "Add"]),
        (["c", "c", "r"], ["Relu", "Add", "Add"]),
        (["r", "x"], ["Relu", "Add"]),
        (["d", "r", "x", "c", "r"], ["Relu", "Add", "Add", "Add", "Add"]),
    ],
)
def test_sums(tmp_path: Path, inputs: list[str], ops: list[str], opset: int) -> None:
    graph = loaded(tmp_path, ("Relu", ["x"], "r"), ("Sum", inputs, "s"), opset=opset)
    assert ops_of(graph) == [op for op in ops if op != "Relu" or "r" in inputs]


def test_a_sum_with_constants_is_folded_away(tmp_path: Path) -> None:
    graph = Fold().apply(loaded(tmp_path, ("MatMul", ["x", "w"], "m"), ("Sum", ["c", "m", "d"], "s")))
    assert [each.op for each in graph.nodes] == ["Linear", "Linear"]


@pytest.mark.parametrize(
    ("op", "inputs", "ops", "attrs"),
    [
        ("Max", ["x", "zero"], ["Relu"], {}),
        ("Max", ["zero", "x"], ["Relu"], {}),
        ("Max", ["half", "x", "all"], ["Clip"], {"low": 0.5}),
        ("Max", ["x"], ["Identity"], {}),
        ("Min", ["x", "six"], ["Clip"], {"high": 6.0}),
        ("Min", ["x", "half", "six"], ["Clip"], {"high": 0.5}),
    ],
)
def test_bounds(tmp_path: Path, op: str, inputs: list[str], ops: list[str], attrs: dict[str, float]) -> None:
    graph = loaded(tmp_path, (op, inputs, "m"))
    assert ops_of(graph) == ops
    assert attrs.items() <= graph.nodes[0].attrs.items()


def test_relu6_by_max_and_min(tmp_path: Path) -> None:
    assert ops_of(loaded(tmp_path, ("Max", ["x", "zero"], "a"), ("Min", ["six", "a"], "b"))) == ["Relu", "Clip"]


def test_signs(tmp_path: Path) -> None:
    """Neg is arithmetic and goes into the layer; Abs is a function of the array's table; Sub joins by Add."""
    graph = loaded(tmp_path, ("Neg", ["x"], "n"))
    assert ops_of(graph) == ["Mul"]
    assert [each.op for each in Fold().apply(graph).nodes] == ["Linear"]
    graph = loaded(tmp_path, ("MatMul", ["x", "w"], "m"), ("Abs", ["m"], "a"))
    assert [(each.op, dict(each.attrs)) for each in graph.nodes[1:2]] == [("LeakyRelu", {"alpha": -1.0})]
    assert ops_of(loaded(tmp_path, ("Relu", ["x"], "r"), ("Sub", ["r", "x"], "s"))) == ["Relu", "Mul", "Add"]


def test_powers_of_constants_and_the_first(tmp_path: Path) -> None:
    assert ops_of(loaded(tmp_path, ("Pow", ["x", "one"], "p"))) == ["Identity"]
    assert ops_of(loaded(tmp_path, ("Pow", ["c", "two"], "p"), ("Add", ["p", "x"], "a"))) == ["Add"]
    constants = (("Abs", ["c"], "a"), ("Neg", ["a"], "n"), ("Max", ["n", "d"], "m"), ("Sum", ["m", "c", "d"], "s"))
    graph = loaded(tmp_path, *constants, ("Mul", ["x", "s"], "t"))
    np.testing.assert_allclose(graph.constants["s"], [[0.25 + 1 + 0.25, 3 - 2 + 3, -0.5 + 0.5 - 1]])


def test_a_global_max_pool(tmp_path: Path) -> None:
    nodes = [node("GlobalMaxPool", ["x"], "p"), node("Flatten", ["p"], "f"), node("MatMul", ["f", "w"], "y")]
    path = save(model(nodes, ["n", 3, 5, 4], weights=WEIGHTS), tmp_path / "m.onnx")
    x = RNG.standard_normal((2, 3, 5, 4)).astype(np.float32)
    np.testing.assert_allclose(interpret.run(frontend.load(path), x), onnxruntime_run(path, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("op", "inputs", "text"),
    [
        ("Min", ["x", "column"], "'column' is [2, 1], more than the tensor that it bounds"),
    ],
)
def test_what_is_refused(tmp_path: Path, op: str, inputs: list[str], text: str) -> None:
    path = save(model([node(op, inputs, "y", "it")], ["n", 3], weights=WEIGHTS), tmp_path / "m.onnx")
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    assert f"node 'it': {text} ({op})\n  hint: " in str(caught.value)
