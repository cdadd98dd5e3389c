"""verify on graphs with branches: what they may be that chains may not, and the rules that hold all the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import model, node, save

from emcc import frontend
from emcc.ir.graph import Format, Graph, Node, Tensor
from emcc.legal.rows import IllegalGraph
from emcc.legal.verify import verify
from emcc.passes.fold import Fold

WINDOW = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0)}


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """Folded: Conv c, Relu r, Tanh t of r, Add j of r and t, Concat y of j and r."""
    nodes = [
        node("Conv", ["x", "k"], "c", "conv"),
        node("Relu", ["c"], "r", "relu"),
        node("Tanh", ["r"], "t", "tanh"),
        node("Add", ["r", "t"], "j", "add"),
        node("Concat", ["j", "r"], "y", "join", axis=1),
    ]
    proto = model(nodes, ["n", 1, 4, 4], weights={"k": np.ones((2, 1, 3, 3), np.float32)})
    return Fold().apply(frontend.load(save(proto, tmp_path / "m.onnx")))


def node_with(graph: Graph, index: int, **changes: Any) -> Graph:
    """One node changed."""
    nodes = list(graph.nodes)
    nodes[index] = replace(nodes[index], **changes)
    return graph.with_(nodes=tuple(nodes))


def test_branches_joins_and_activations_anywhere(graph: Graph) -> None:
    for stage in ("fold", "prune"):
        verify(graph, after=stage)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda g: node_with(g, 3, op="Conv", inputs=("r", "t", "conv.bias"), attrs={**WINDOW, "group": 1}),
            "reads 't' as c",
        ),
        (lambda g: node_with(g, 4, inputs=("j", "later")), "'join' reads 'later'"),
        (lambda g: node_with(g, 2, inputs=("j",)), "'tanh' reads 'j'"),
        (lambda g: node_with(g, 3, inputs=("r", "r")), r"nothing reads \['t'\]"),
        (lambda g: node_with(g, 3, outputs=("t",)), "'t' is written twice"),
        (lambda g: node_with(g, 3, inputs=("r",)), "'add' has 1 inputs"),
        (lambda g: node_with(g, 4, attrs={"axis": 0}), "has attributes"),
        (lambda g: node_with(g, 4, attrs={"axis": 4}), "axis 4 of"),
        (lambda g: node_with(g, 0, attrs={**WINDOW, "group": 0}), "has attributes"),
        (lambda g: node_with(g, 0, attrs={**WINDOW, "group": 1, "strides": (1,)}), "has attributes"),
        (lambda g: node_with(g, 0, attrs={**WINDOW, "group": 1, "pads": (1, 0, 0, 0)}), "Conv makes it"),
        (lambda g: node_with(g, 0, inputs=("x", "k")), "'conv' has 2 inputs"),
        (lambda g: g.with_constants({"k": np.ones((2, 1, 3, 3))}), "'k' is float64"),
        (lambda g: g.with_constants({"k": np.full((2, 1, 3, 3), np.nan, np.float32)}), "'k' is not finite"),
    ],
)
def test_rules(graph: Graph, change: Callable[[Graph], Graph], text: str) -> None:
    with pytest.raises(IllegalGraph, match=text):
        verify(change(graph), after="fold")


def test_codebooks_are_for_convolutions_too(graph: Graph) -> None:
    with pytest.raises(IllegalGraph, match="weight 'k' has no codebook"):
        verify(graph, after="share")


def test_what_is_not_shared_does_not_go_on_to_integers(graph: Graph) -> None:
    tensors = {name: replace(tensor, fmt=Format(16, 8)) for name, tensor in graph.tensors.items()}
    with pytest.raises(IllegalGraph, match=r"weight 'k' has no codebook"):
        verify(graph.with_(tensors=tensors), after="calibrate")


def test_layers_alone_must_be_a_chain() -> None:
    """Two layers that read the input are no chain, and nothing joins them."""
    weights = {
        f"{name}{i}": value for i in (0, 1) for name, value in (("w", np.ones((3, 3), np.float32)), ("b", np.ones(3)))
    }
    nodes = tuple(Node(f"fc{i}", "Linear", ("x", f"w{i}", f"b{i}"), (f"z{i}",)) for i in (0, 1))
    tensors = {name: Tensor(name, (None, 3)) for name in ("x", "z0", "z1")}
    with pytest.raises(IllegalGraph, match="'fc1' reads 'x', after 'z0'"):
        verify(Graph("g", ("x",), ("z1",), nodes, tensors, weights), after="fold")
