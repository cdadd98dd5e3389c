"""verify lets through what each stage makes, and nothing that breaks one of its rules."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import mlp, save

from emcc import frontend
from emcc.ir.graph import Codebook, Format, Graph, Node, Tensor
from emcc.legal.rows import STAGES, IllegalGraph
from emcc.legal.verify import verify
from emcc.ops.registry import OPERATORS, having
from emcc.passes.fold import Fold


@pytest.fixture
def loaded(tmp_path: Path) -> Graph:
    """As loaded: Flatten, Gemm, Relu, Gemm, Softmax."""
    return frontend.load(save(mlp([6, 5, 3], input_shape=(2, 3), tail="Softmax"), tmp_path / "m.onnx"))


def shared(graph: Graph) -> Graph:
    """Folded, with every weight one of four values."""
    folded, books, weights = Fold().apply(graph), {}, {}
    rng = np.random.default_rng(0)
    for node in folded.layers():
        codes = rng.integers(0, 4, folded.constants[node.inputs[1]].shape).astype(np.uint8)
        book = Codebook(np.array([0.0, 0.5, -1.0, 2.0]), codes, 2)
        books[node.inputs[1]], weights[node.inputs[1]] = book, book.weights().astype(np.float32)
    return folded.with_constants(weights).with_(codebooks=books)


def formatted(graph: Graph) -> Graph:
    """With a format for every tensor."""
    book = shared(graph)
    return book.with_(tensors={name: replace(tensor, fmt=Format(16, 8)) for name, tensor in book.tensors.items()})


def quantised() -> Graph:
    """One QLinear with a table."""
    attrs = {"act_w": 8, "code_w": 1, "function": "table", "shift": 4, "weight_frac": 4, "z_frac": 2}
    attrs |= {"lo_bits": 3, "hi_bits": 2}
    constants = {
        "codes": np.ones((2, 3), np.uint8),
        "book": np.array([0, 5]),
        "bias": np.array([1, 2]),
        "coarse": np.zeros(32, np.int64),
        "fine": np.zeros(32, np.int64),
    }
    node = Node("fc", "QLinear", ("x", "codes", "book", "bias", "", "coarse", "fine"), ("y",), attrs)
    tensors = {"x": Tensor("x", (None, 3), fmt=Format(8, 2)), "y": Tensor("y", (None, 2), fmt=Format(8, 7))}
    return Graph("g", ("x",), ("y",), (node,), tensors, constants)


def test_what_the_stages_make_is_legal(loaded: Graph) -> None:
    verify(loaded, after="frontend")
    folded = Fold().apply(loaded)
    for stage in ("fold", "prune"):
        verify(folded, after=stage)
    for stage in ("fold", "prune", "share", "finetune"):
        verify(shared(loaded), after=stage)
    verify(formatted(loaded), after="calibrate")
    verify(quantised(), after="quantise")


def test_stages_are_told_apart(loaded: Graph) -> None:
    folded = Fold().apply(loaded)
    wrong = [(loaded, "fold"), (folded, "frontend"), (folded, "share"), (shared(loaded), "calibrate")]
    wrong += [(formatted(loaded), "quantise"), (quantised(), "calibrate"), (folded, "no such stage")]
    for graph, stage in wrong:
        with pytest.raises(IllegalGraph):
            verify(graph, after=stage)
    assert list(STAGES)[-1] == "quantise"


def test_which_operators_a_stage_may_not_leave() -> None:
    integer = set(having("quantised"))
    gone = {"Cast", "Dropout", "Gemm", "Identity", "MatMul", "Normalizer", *integer}
    for stage in ("fold", "prune", "share", "finetune"):
        assert {op for op in OPERATORS if not STAGES[stage].allows(op)} == gone
    later = {"Embedding", "Shift"}
    assert {op for op in OPERATORS if not STAGES["frontend"].allows(op)} == {"Linear", "Shift", *integer}
    assert {op for op in OPERATORS if not STAGES["calibrate"].allows(op)} == gone | later
    floats = {"Cast", "Conv", "Dropout", "Gemm", "Identity", "Linear", "MatMul", "Normalizer"}
    assert {op for op in OPERATORS if not STAGES["quantise"].allows(op)} == floats | later


def node_with(graph: Graph, index: int, **changes: Any) -> Graph:
    """One node changed."""
    nodes = list(graph.nodes)
    nodes[index] = replace(nodes[index], **changes)
    return graph.with_(nodes=tuple(nodes))


def tensor_with(graph: Graph, name: str, **changes: Any) -> Graph:
    """One tensor changed."""
    return graph.with_(tensors={**graph.tensors, name: replace(graph.tensors[name], **changes)})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda g: g.with_(outputs=("z0",)), "the chain ends in"),
        (lambda g: g.with_(inputs=("x", "z0")), "'z0' is written twice"),
        (lambda g: g.with_(inputs=()), "no inputs"),
        (lambda g: g.with_(host=(("Softmax", {"axis": 1, "output": 1}),)), "host operator"),
        (lambda g: node_with(g, 0, op="Shrink"), "Shrink .* is not legal"),
        (lambda g: node_with(g, 0, inputs=("x", "nowhere", "fc0.bias")), "reads 'nowhere'"),
        (lambda g: node_with(g, 0, inputs=("x", "fc0.weight")), "has 2 inputs"),
        (lambda g: node_with(g, 0, attrs={"alpha": 1.0}), "has attributes"),
        (lambda g: node_with(g, 1, name="fc0"), "node names repeat"),
        (lambda g: node_with(g, 2, inputs=("x", "fc1.weight", "fc1.bias")), "reads 'x', after 'a0'"),
        (lambda g: g.with_(nodes=g.nodes[::-1]), "reads"),
        (lambda g: tensor_with(g, "z0", shape=(None, 4)), "Linear makes it"),
        (lambda g: tensor_with(g, "z0", shape=(1, 5)), "tensor 'z0' is"),
        (lambda g: tensor_with(g, "z0", shape=(None, 0)), "tensor 'z0' is"),
        (lambda g: g.with_(tensors={**g.tensors, "left": Tensor("left", (None, 2))}), "without a producer"),
        (lambda g: g.with_(outputs=("a1", "a1")), "repeat"),
        (lambda g: g.with_(outputs=()), "no outputs"),
        (lambda g: g.with_(host=(("Relu", {}),)), "host operator"),
        (lambda g: g.with_(host=(("Softmax", {}),)), "host operator"),
        (lambda g: g.with_constants({"fc0.weight": np.zeros((5, 6))}), "'fc0.weight' is float64"),
        (lambda g: g.with_constants({"fc0.bias": np.full(5, np.nan)}), "'fc0.bias' is not finite"),
        (lambda g: g.with_constants({"fc0.weight": np.full((5, 6), np.inf, np.float32)}), "is not finite"),
    ],
)
def test_rules_of_structure(loaded: Graph, change: Any, text: str) -> None:
    with pytest.raises(IllegalGraph, match=f"after fold: .*{text}"):
        verify(change(Fold().apply(loaded)), after="fold")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda b: replace(b, code_w=3), "has 3-bit codes"),
        (lambda b: replace(b, code_w=1), "has 4 entries"),
        (lambda b: replace(b, values=b.values[:2], code_w=2), "go beyond its codebook"),
        (lambda b: replace(b, values=b.values * 2), "is not what its codebook says"),
        (lambda b: replace(b, values=b.values.astype(np.float32)), "is float32"),
        (lambda b: replace(b, codes=b.codes.astype(np.int64)), "codes of .* do not fit"),
        (
            lambda b: replace(b, values=b.values[[3, 1, 2, 0]], codes=np.array([3, 1, 2, 0], np.uint8)[b.codes]),
            "entry 0",
        ),
    ],
)
def test_rules_of_codebooks(loaded: Graph, change: Any, text: str) -> None:
    graph = shared(loaded)
    books = {**graph.codebooks, "fc0.weight": change(graph.codebooks["fc0.weight"])}
    with pytest.raises(IllegalGraph, match=text):
        verify(graph.with_(codebooks=books), after="share")


def without_tables(graph: Graph, attrs: Mapping[str, int]) -> Graph:
    """The quantised layer with a relu, and with `attrs` of no use to it."""
    changed = {**graph.nodes[0].attrs, "function": "relu", "lo_bits": 0, "hi_bits": 0, **attrs}
    return tensor_with(node_with(graph, 0, inputs=graph.nodes[0].inputs[:4], attrs=changed), "y", fmt=Format(8, 2))


def test_a_function_without_tables() -> None:
    verify(without_tables(quantised(), {}), after="quantise")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda g: node_with(g, 0, attrs={**g.nodes[0].attrs, "shift": 5}), "shift"),
        (lambda g: node_with(g, 0, attrs={**g.nodes[0].attrs, "function": "cosine"}), "has attributes"),
        (lambda g: node_with(g, 0, attrs={**g.nodes[0].attrs, "act_w": 16}), "activations of"),
        (lambda g: node_with(g, 0, attrs={**g.nodes[0].attrs, "lo_bits": 2}), "coarse is"),
        (lambda g: node_with(g, 0, attrs={**g.nodes[0].attrs, "function": "relu"}), "tables or formats of a relu"),
        (lambda g: without_tables(g, {"lo_bits": 3}), "tables or formats of a relu"),
        (lambda g: node_with(g, 0, attrs={**g.nodes[0].attrs, "lo_bits": -1}), "has attributes"),
        (lambda g: g.with_constants({"fine": np.zeros(16, np.int64)}), "fine is"),
        (lambda g: g.with_constants({"coarse": np.full(32, 128)}), "a table goes beyond"),
        (lambda g: g.with_constants({"codes": np.full((2, 3), 2, np.uint8)}), "codes go beyond"),
        (lambda g: g.with_constants({"book": np.array([0, 1 << 15])}), "codebook beyond 16 bits"),
        (lambda g: g.with_constants({"bias": np.zeros(2)}), "integers are not int64"),
        (lambda g: tensor_with(g, "y", fmt=None), "'y' has no format"),
    ],
)
def test_rules_of_quantised_layers(change: Any, text: str) -> None:
    with pytest.raises(IllegalGraph, match=text):
        verify(change(quantised()), after="quantise")
