"""Graphs with branches through calibrate and quantise: legal, near their float meaning, and the same as a Program."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_meanings import Case, in_integers
from quantised_meaning import agree
from random_convs import convs
from random_images import images

from emcc import frontend
from emcc.compress.kmeans import Share
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Graph, Node, Tensor
from emcc.legal.verify import verify
from emcc.ops import interpret
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise

WINDOW = {"dilations": (1, 1), "pads": (1, 1, 1, 1), "strides": (1, 1)}
POOL = {**WINDOW, "kernel_shape": (2, 2), "pads": (0, 0, 1, 1), "ceil_mode": 0, "count_include_pad": 0}


def joins() -> Graph:
    """Sub, Mul over space and element by element, Concat, both pools, functions on their own and after sums."""
    rng = np.random.default_rng(0)
    nodes = (
        Node("conv", "Conv", ("x", "w", "b"), ("c",), {**WINDOW, "group": 1}),
        Node("tanh", "Tanh", ("c",), ("t",)),
        Node("less", "Sub", ("x", "t"), ("s",)),
        Node("relu", "Relu", ("s",), ("r",)),
        Node("mean", "GlobalAveragePool", ("t",), ("m",)),
        Node("gate", "Sigmoid", ("m",), ("g",)),
        Node("scaled", "Mul", ("r", "g"), ("z",)),
        Node("square", "Mul", ("z", "t"), ("q",)),
        Node("big", "MaxPool", ("q",), ("k",), {key: POOL[key] for key in POOL if key != "count_include_pad"}),
        Node("even", "AveragePool", ("r",), ("v",), POOL),
        Node("join", "Concat", ("k", "v", "t2"), ("j",), {"axis": 1}),
    )
    alone = Node("alone", "Sigmoid", ("t",), ("t2",))
    last = Node("fc", "Linear", ("j", "w2", "b2"), ("y",))
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys("xctsrzqkv", (3, 4, 4)) | {"t2": (3, 4, 4)}
    shapes |= {"m": (3, 1, 1), "g": (3, 1, 1), "j": (9, 4, 4), "y": (5,)}
    tensors = {name: Tensor(name, (None, *shape)) for name, shape in shapes.items()}
    constants = {
        "w": rng.normal(0, 0.4, (3, 3, 3, 3)).astype(np.float32),
        "b": rng.normal(0, 0.1, 3),
        "w2": rng.normal(0, 0.1, (5, 144)).astype(np.float32),
        "b2": np.zeros(5),
    }
    ordered = (*nodes[:2], alone, *nodes[2:], last)
    return Graph("joins", ("x",), ("y",), ordered, tensors, constants)


def integers(folded: Graph, bits: int, x: np.ndarray[Any, Any]) -> tuple[Graph, Graph]:
    """(the graph with shared weights, the same in integers)."""
    shared = Share().kept().apply(folded)
    calibrated = Calibrate(bits=bits, data=x).apply(shared)
    verify(calibrated, after="calibrate")
    return shared, Quantise().apply(calibrated)


def off(shared: Graph, quantised: Graph, x: np.ndarray[Any, Any]) -> float:
    """The greatest error of the output, in its largest value."""
    source, sink = (quantised.tensors[names[0]].fmt for names in (quantised.inputs, quantised.outputs))
    assert source is not None
    assert sink is not None
    exact = interpret.run(shared, source.dequantise(source.quantise(x)))
    got = sink.dequantise(interpret.run(quantised, source.quantise(x))).reshape(exact.shape)
    return float(np.abs(got - exact).max() / max(1e-3, np.abs(exact).max()))


@pytest.mark.parametrize(("bits", "most"), [(16, 0.001), (8, 0.15)])
def test_joins_are_near_their_float_meaning(bits: int, most: float) -> None:
    x = np.random.default_rng(1).standard_normal((40, 3, 4, 4)).astype(np.float32)
    graph = joins()
    verify(graph, after="fold")
    shared, quantised = integers(graph, bits, x)
    ops = [node.op for node in quantised.nodes]
    assert {"QConv", "QSum", "QProduct", "QAveragePool", "MaxPool", "Concat", "QLinear"} <= set(ops)
    assert off(shared, quantised, x) < most
    source = quantised.tensors["x"].fmt
    assert source is not None
    if bits == 16:
        verify(quantised, after="quantise")
    else:
        agree(quantised, {"x": source.quantise(x[:3])}, LowerOptions(pes=4))


def test_the_sign_of_a_difference_is_its_second_tensors() -> None:
    x = np.random.default_rng(1).standard_normal((10, 3, 4, 4)).astype(np.float32)
    _, quantised = integers(joins(), 16, x)
    weights = next(node.attrs["weights"] for node in quantised.nodes if node.name == "less")
    assert weights[0] > 0 > weights[1]


def test_a_tensor_that_is_selected_has_one_format() -> None:
    x = np.random.default_rng(1).standard_normal((10, 3, 4, 4)).astype(np.float32)
    _, quantised = integers(joins(), 16, x)
    assert (
        len({quantised.tensors[name].fmt for name in next(n for n in quantised.nodes if n.op == "Concat").inputs}) == 1
    )


@settings(max_examples=25)
@given(convs((17,)), st.sampled_from([8, 16]), st.integers(0, 99))
def test_random_networks_as_programs(tmp_path_factory: Any, drawn: Any, bits: int, seed: int) -> None:
    from models import save

    proto, shape = drawn
    graph = frontend.load(save(proto, tmp_path_factory.mktemp("m") / "m.onnx"))
    x = np.random.default_rng(seed).standard_normal((6, *shape[1:])).astype(np.float32)
    _, quantised = integers(Fold().apply(graph), bits, x)
    verify(quantised, after="quantise")
    if any(node.attrs.get("lo_bits") for node in quantised.nodes):
        return
    source = quantised.tensors[quantised.inputs[0]].fmt
    assert source is not None
    agree(quantised, {quantised.inputs[0]: source.quantise(x)}, LowerOptions(pes=3))


@settings(max_examples=60)
@given(images(), st.sampled_from([8, 16]), st.integers(0, 99))
def test_random_image_networks_as_programs(case: Case, bits: int, seed: int) -> None:
    in_integers(case, bits, seed)
