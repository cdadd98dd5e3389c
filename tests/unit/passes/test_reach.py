"""How far a format reaches: for everyone, unless a few ruin the others; and, without data, for what can be."""

from dataclasses import replace

import numpy as np
import pytest
from graphs import folded
from hypothesis import given, settings
from hypothesis import strategies as st

from emcc.ir.graph import Format
from emcc.ops import interpret
from emcc.passes.calibrate import Calibrate
from emcc.passes.ranges import ranges
from emcc.passes.reach import held


@pytest.mark.parametrize("size", [1e4, 1e8, 1e30])
@pytest.mark.parametrize("width", [8, 16])
def test_a_glitch_is_outside(size, width):
    x = np.random.default_rng(0).standard_normal((400, 5))
    x[[17, 300], [3, 0]] = size, -size
    inside = held(x, np.ones(5), width, 1.25)
    assert np.flatnonzero(~inside).tolist() == [17, 300]


def test_a_long_tail_is_not_a_glitch():
    """Sixteen bits hold numbers a thousand times as large as the others without harm."""
    x = np.random.default_rng(1).standard_normal((400, 5))
    x[17, 3] = 1000
    assert held(x, np.ones(5), 16, 1.25).all()


def test_more_than_a_few_are_not_left_outside():
    """One in 200 may be; more are data."""
    x = np.random.default_rng(2).standard_normal((400, 5))
    x[:20, 3] = 1e30
    assert held(x, np.ones(5), 16, 1.25).sum() >= 398
    assert held(np.array([[1.0], [1e30]]), np.ones(1), 16, 1.25).all(), "of two, neither is the outlier"


def test_what_no_weight_meets_costs_nothing():
    """A feature that the next layer ignores may be lost; nobody is left outside for it."""
    x = np.random.default_rng(3).standard_normal((400, 2)) * [1e-3, 1]
    x[5, 1] = 1000
    assert held(x, np.array([0.0, 1.0]), 16, 1.25).all()
    assert np.flatnonzero(~held(x, np.array([1e6, 0.0]), 16, 1.25)).tolist() == [5]


def test_what_follows_the_input_sees_it_saturated():
    """A glitch of the input is no glitch of the layers: they see what the format lets in."""
    x = np.random.default_rng(4).standard_normal((400, 6)).astype(np.float32)
    graph = folded([6, 8, 3])
    clean = Calibrate(data=x).apply(graph)
    x[9, 2] = 1e30
    hit = Calibrate(data=x).apply(graph)
    for name in graph.tensors:
        one, other = clean.tensors[name].fmt, hit.tensors[name].fmt
        assert one
        assert other
        assert abs(one.frac_bits - other.frac_bits) <= 1, name
    assert hit.tensors == Calibrate(data=x).apply(graph).tensors, "the same data, the same formats"


ACTIVATIONS = ["", "Relu", "LeakyRelu", "Sigmoid", "Tanh"]


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=3, max_size=5),
    acts=st.lists(st.sampled_from(ACTIVATIONS), min_size=4, max_size=4),
    alpha=st.floats(-2, 2),
    seed=st.integers(0, 99),
)
def test_no_input_within_reach_leaves_a_proven_range(sizes, acts, alpha, seed):
    """The corners that each sum is farthest at too."""
    graph = folded(sizes, acts[: len(sizes) - 1], seed=seed, alpha=alpha)
    known = ranges(graph, 3.0)
    assert known is not None
    rng = np.random.default_rng(seed)
    corners = np.sign(graph.constants["fc0.weight"]) * 3.0
    x = np.concatenate([rng.uniform(-3, 3, (200, sizes[0])), corners, -corners])
    for name, values in interpret.trace(graph, x).items():
        if known[name].proven:
            slack = 1e-9 * (1 + np.abs(values).max())
            assert (values >= known[name].low - slack).all(), name
            assert (values <= known[name].high + slack).all(), name


def test_a_range_is_no_wider_than_some_corner():
    graph = folded([4, 3], [""])
    known = ranges(graph, 2.0)
    assert known is not None
    assert known["z0"].proven
    corners = np.sign(graph.constants["fc0.weight"]) * 2.0
    values = interpret.run(graph, corners.astype(np.float64))
    np.testing.assert_allclose(known["z0"].high[0], np.diag(values), rtol=1e-12)


def test_wide_layers_do_not_lose_all_bits_layer_by_layer():
    """Five layers of 400: interval arithmetic alone would leave less than a bit of 16 for what really flows."""
    graph = folded([400] * 6, ["Relu"] * 5, seed=5)
    made = Calibrate().apply(graph)
    x = np.random.default_rng(6).standard_normal((50, 400))
    for name, values in interpret.trace(graph, x).items():
        fmt = made.tensors[name].fmt
        assert fmt
        seen = np.maximum(values, 0)
        assert seen.max() <= fmt.dequantise(np.array(fmt.high))
        assert seen.std() > 2.0 ** (8 - fmt.frac_bits), f"{name} has at least 8 bits of what flows"
    assert "standard deviations" in Calibrate().source(graph)
    assert "+-8 (assumed" in Calibrate().source(graph)


def test_the_stated_range_counts():
    assert Calibrate(reach=300.0).apply(folded([3, 2])).tensors["x"].fmt == Format(16, 6)


@pytest.mark.parametrize("level", [-2.0, 1.0, 2.0])
def test_weights_of_one_sign_do_not_saturate(level):
    """Three averages, one behind the other: what inputs have in common adds up, which independent ones do not have."""
    graph = folded([100] * 4, ["Relu", "", ""], seed=7)
    weights = {node.inputs[1]: np.full((100, 100), 0.125, np.float32) for node in graph.layers()}
    graph = graph.with_constants(weights)
    made = Calibrate().apply(graph)
    for name, values in interpret.trace(graph, np.full((1, 100), level)).items():
        if name != "z0":  # what a ReLU takes may saturate below 0
            fmt = made.tensors[name].fmt
            assert fmt
            assert not fmt.beyond(values).any(), name
    assert "inputs that are all 2 or -2" in Calibrate().source(graph)


@pytest.mark.parametrize(("bits", "end", "frac"), [(16, 15, 11), (8, 15, 3), (16, 1, 14), (8, 1, 6), (16, 6, 12)])
def test_a_function_that_ends_between_two_powers_keeps_its_end(bits, end, frac):
    """A quantiser of 4 bits ends at 15: a format that ends at 8 would leave half of it out."""
    graph = folded([8, 8, 4], ["Sigmoid", ""])
    attrs = {"high": end, "low": 0, "rounding": "ROUND", "scale": 1.0, "step": 1.0, "zero_point": 0}
    nodes = tuple(replace(node, op="Stairs", attrs=attrs) if node.op == "Sigmoid" else node for node in graph.nodes)
    assert Calibrate(bits=bits).apply(graph.with_(nodes=nodes)).tensors["y0"].fmt == Format(bits, frac)
