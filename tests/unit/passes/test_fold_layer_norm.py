"""Normalisations that are spelt out, in the manners of exporters, and what is almost one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_meanings import in_floats, in_integers
from models import model, node, save

from emcc import frontend
from emcc.ir.graph import Graph
from emcc.passes.fold import Fold

pytest.importorskip("onnxruntime")
RNG = np.random.default_rng(12)
Nodes = Sequence[tuple[Any, ...]]
WEIGHTS: dict[str, np.ndarray] = {
    "k": RNG.standard_normal((8, 8)).astype(np.float32) / 3,
    "g": RNG.uniform(0.5, 2, 8).astype(np.float32),
    "b": RNG.standard_normal(8).astype(np.float32),
    "two": np.float32(2),
    "half": np.float32(0.5),
    "eps": np.float32(1e-5),
    "much": np.float32(0.25),
    "last": np.array([-1]),
    "first": np.array([1]),
    "both": np.array([1, 2]),
}
START = ("MatMul", ["x", "k"], "c")
END = ("MatMul", ["n", "k"], "y")


def mean(x: str, y: str, axes: str = "last") -> tuple[Any, ...]:
    return "ReduceMean", [x, axes], y, {"keepdims": 1}


ROOT = [mean("s", "v"), ("Add", ["v", "eps"], "e"), ("Sqrt", ["e"], "r")]
TORCH = [
    mean("c", "m"),
    ("Sub", ["c", "m"], "d"),
    ("Pow", ["d", "two"], "s"),
    *ROOT,
    ("Div", ["d", "r"], "q"),
    ("Mul", ["q", "g"], "a"),
    ("Add", ["a", "b"], "n"),
]
KERAS = [
    mean("c", "m"),
    ("Sub", ["c", "m"], "d"),
    ("Mul", ["d", "d"], "s"),
    *ROOT,
    ("Reciprocal", ["r"], "i"),
    ("Mul", ["i", "g"], "j"),
    ("Mul", ["c", "j"], "p"),
    ("Mul", ["m", "j"], "o"),
    ("Sub", ["b", "o"], "u"),
    ("Add", ["p", "u"], "n"),
]
RMS = [
    ("Mul", ["c", "c"], "s"),
    *ROOT,
    ("Div", ["c", "r"], "q"),
    ("Mul", ["q", "g"], "n"),
]


def changed(nodes: Nodes, **inputs: dict[str, str]) -> list[tuple[Any, ...]]:
    """The nodes, in which the one that makes a tensor reads others."""
    return [(op, [inputs.get(y, {}).get(x, x) for x in read], y, *rest) for op, read, y, *rest in nodes]


def folded(nodes: Nodes, tmp_path: Path, shape: tuple[int, ...]) -> Graph:
    """Folded, after all of its meanings were found to agree."""
    rows = [START, *nodes, END]
    made = [node(op, inputs, output, **(attrs[0] if attrs else {})) for op, inputs, output, *attrs in rows]
    used = {name: value for name, value in WEIGHTS.items() if any(name in each.input for each in made)}
    proto = model(made, ["n", *shape], None, used, opset=18)
    proto.graph.output[0].type.tensor_type.elem_type = 1
    in_floats((proto, {"x": (2, *shape)}), 3)
    in_integers((proto, {"x": (2, *shape)}), 8, 3)
    return Fold().apply(frontend.load(save(proto, tmp_path / "m.onnx")))


def norms(graph: Graph) -> list[Any]:
    return [each for each in graph.nodes if "Normalization" in each.op]


@pytest.mark.parametrize("nodes", [TORCH, KERAS], ids=["torch", "keras"])
@pytest.mark.parametrize("shape", [(8,), (5, 8)], ids=["features", "sequence"])
def test_a_layer_norm_is_one_operator(nodes, shape, tmp_path):
    graph = folded(nodes, tmp_path, shape)
    (norm,) = norms(graph)
    assert norm.op == "LayerNormalization"
    assert dict(norm.attrs) == {"axis": len(shape), "epsilon": float(np.float32(1e-5))}
    for name, value in zip(norm.inputs[1:], ("g", "b"), strict=True):
        assert np.array_equal(graph.constants[name], WEIGHTS[value])
    assert not any(each.op in ("Sqrt", "Div", "Reciprocal", "GlobalAveragePool", "ReduceMean") for each in graph.nodes)


def test_an_rms_norm_is_one_operator(tmp_path):
    graph = folded(RMS, tmp_path, (5, 8))
    (norm,) = norms(graph)
    assert norm.op == "RMSNormalization"
    assert dict(norm.attrs) == {"axis": 2, "epsilon": float(np.float32(1e-5))}
    assert np.array_equal(graph.constants[norm.inputs[1]], WEIGHTS["g"])


def test_over_several_axes_with_nothing_behind(tmp_path):
    nodes = changed(TORCH[:7], m={"last": "both"}, v={"last": "both"}, e={"eps": "much"})
    graph = folded([*nodes[:6], ("Div", ["d", "r"], "n")], tmp_path, (5, 8))
    (norm,) = norms(graph)
    assert (graph.constants[norm.inputs[1]] == np.ones((5, 8))).all()
    assert len(norm.inputs) == 2
    assert dict(norm.attrs) == {"axis": 1, "epsilon": 0.25}


def test_beside_a_short_cut(tmp_path):
    graph = folded([*TORCH[:-1], ("Add", ["a", "b"], "z"), ("Add", ["c", "z"], "n")], tmp_path, (5, 8))
    assert len(norms(graph)) == 1


def test_where_something_else_reads_the_mean_the_rest_is_one(tmp_path):
    graph = folded([*TORCH[:-1], ("Add", ["a", "b"], "z"), ("Add", ["m", "z"], "n")], tmp_path, (5, 8))
    assert [(each.op, each.inputs[0]) for each in norms(graph)] == [("RMSNormalization", "d")]


ALMOST = {
    "without its root": [*TORCH[:5], ("Div", ["d", "e"], "n")],
    "its variance is halved": [
        *TORCH[:4],
        ("Mul", ["v", "half"], "w"),
        ("Add", ["w", "eps"], "e"),
        *TORCH[5:],
    ],
    "axes of two kinds": changed(TORCH, v={"last": "first"}),
    "bounded": [*TORCH[:3], mean("s", "v"), ("Max", ["v", "much"], "e"), *TORCH[5:]],
    "the root of a root": [*TORCH[:6], ("Sqrt", ["r"], "t"), ("Div", ["d", "t"], "n")],
}


@pytest.mark.parametrize("nodes", [pytest.param(nodes, id=name) for name, nodes in ALMOST.items()])
def test_what_is_almost_one_stays(nodes, tmp_path):
    assert not norms(folded(nodes, tmp_path, (5, 8)))
