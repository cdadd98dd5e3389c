"""The rules of quantised graphs, each broken once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from emcc.ir.graph import Format, Graph, Node, Tensor
from emcc.legal.rows import IllegalGraph
from emcc.legal.verify import verify

STEP = {"act_w": 16, "function": "identity", "hi_bits": 0, "lo_bits": 0}
WINDOW = {"dilations": (1, 1), "pads": (0, 0, 0, 0), "strides": (1, 1)}


def graph() -> Graph:
    """One node of every kind."""
    pool = {**STEP, **WINDOW, "kernel_shape": (2, 1), "ceil_mode": 0, "count_include_pad": 0}
    nodes = (
        Node("conv", "QConv", ("x", "codes", "book", "bias", "by"), ("a",),
             {**STEP, **WINDOW, "group": 2, "code_w": 1, "weight_frac": 3, "z_frac": 4, "shift": 3}),
        Node("sum", "QSum", ("x", "a"), ("b",), {**STEP, "weights": (1, -1), "z_frac": 4, "shift": 0}),
        Node("product", "QProduct", ("a", "b"), ("c",), {**STEP, "z_frac": 4, "shift": 4}),
        Node("pool", "QAveragePool", ("c", "shares"), ("d",), {**pool, "weight_frac": 14, "z_frac": 4, "shift": 14}),
        Node("join", "Concat", ("d", "d"), ("y",), {"axis": 1}),
    )  # fmt: skip
    shapes = {"x": (2, 2, 3), "a": (2, 2, 3), "b": (2, 2, 3), "c": (2, 2, 3), "d": (2, 1, 3), "y": (4, 1, 3)}
    tensors = {name: Tensor(name, (None, *shape), fmt=Format(16, 4)) for name, shape in shapes.items()}
    constants = {
        "codes": np.ones((2, 1, 1, 1), np.uint8),
        "book": np.array([0, 5]),
        "bias": np.array([1, 2]),
        "by": np.array([1, -7]),
        "shares": np.array([0, 16384, 8192]),
    }
    return Graph("g", ("x",), ("y",), nodes, tensors, constants)


def node(index: int, **attrs: Any) -> Callable[[Graph], Graph]:
    """Some attributes of a node changed."""

    def change(graph: Graph) -> Graph:
        nodes = list(graph.nodes)
        nodes[index] = replace(nodes[index], attrs={**nodes[index].attrs, **attrs})
        return graph.with_(nodes=tuple(nodes))

    return change


def fmt(name: str, *numbers: int) -> Callable[[Graph], Graph]:
    """A tensor of another format."""
    return lambda graph: graph.with_(
        tensors={**graph.tensors, name: replace(graph.tensors[name], fmt=Format(*numbers))}
    )


def constant(name: str, value: Any) -> Callable[[Graph], Graph]:
    """A constant of another value."""
    return lambda graph: graph.with_constants({name: np.array(value)})


def test_all_of_it_is_legal() -> None:
    verify(graph(), after="quantise")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (node(0, shift=4), "QConv .*: shift"),
        (node(0, group=1), "QConv .*group 1"),
        (constant("book", [0, 1 << 15]), "codebook beyond 16 bits"),
        (constant("by", [1, 1 << 15]), "codebook beyond 16 bits"),
        (constant("by", [1]), "multiplier"),
        (constant("codes", np.full((2, 1, 1, 1), 2, np.uint8)), "go beyond the codebook"),
        (node(1, weights=(1, 3)), "weight 3"),
        (node(1, weights=(1, 0)), "weight 0"),
        (node(1, weights=(1, 1 << 15)), "weight 32768"),
        (node(1, weights=(1, 2)), "scales"),
        (node(1, weights=(1,)), "with 1 weights"),
        (node(2, shift=3), "QProduct .*: shift"),
        (node(3, kernel_shape=(1, 2)), r"QAveragePool makes it"),
        (constant("shares", [0, 1]), "for 2 taps"),
        (fmt("y", 16, 3), "Concat .*: formats"),
        (fmt("b", 16, 3), "formats of a identity"),
        (fmt("x", 8, 4), r"activations of \[8, 16\] bits"),
        (lambda g: g.with_(outputs=("y", "nowhere")), "the outputs are"),
        (lambda g: g.with_(outputs=("c",)), "the chain ends in"),
    ],
)
def test_rules(change: Callable[[Graph], Graph], text: str) -> None:
    with pytest.raises(IllegalGraph, match=f"after quantise: .*{text}"):
        verify(change(graph()), after="quantise")
