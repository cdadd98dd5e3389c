"""Calibrate: every tensor has a sane format."""

from dataclasses import replace

import numpy as np
import pytest
from graphs import folded
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from models import model, node, random_weight, save

from emcc.base.errors import EmccError
from emcc.frontend import load
from emcc.ir.graph import Affine, Format
from emcc.ops.interpret import trace
from emcc.passes import calibrate
from emcc.passes.calibrate import Calibrate, choose
from emcc.passes.fold import Fold
from emcc.passes.reach import error, widest

ACTIVATIONS = ["", "Relu", "LeakyRelu", "Sigmoid", "Tanh"]


def inputs(rows=200, features=9, seed=1):
    return np.random.default_rng(seed).standard_normal((rows, features)).astype(np.float32)


@given(st.floats(-(2.0**90), 2.0**90), st.floats(-(2.0**90), 2.0**90), st.sampled_from([8, 16]))
def test_widest_does_not_saturate_and_one_bit_more_would(a, b, width):
    bottom, top = min(a, b, 0.0), max(a, b, 0.0)
    frac = widest(top, bottom, width)
    if bottom == top == 0:
        assert frac == width - 1
        return
    scaled = np.ldexp([bottom, top], frac)
    assert -(2 ** (width - 1)) <= scaled[0]
    assert scaled[1] <= 2 ** (width - 1) - 1
    finer = np.ldexp([bottom, top], frac + 1)
    assert finer[0] < -(2 ** (width - 1)) or finer[1] > 2 ** (width - 1) - 1


@given(arrays(np.float64, st.integers(1, 50), elements=st.floats(-1e6, 1e6)))
def test_sixteen_bits_leave_headroom(values):
    fmt = choose(values, 16, 1.25)
    np.testing.assert_allclose(
        fmt.dequantise(fmt.quantise(values * 1.25)), values * 1.25, rtol=0, atol=2.0 ** -(fmt.frac_bits + 1)
    )


@given(arrays(np.float64, st.integers(1, 50), elements=st.floats(-1e6, 1e6)))
def test_eight_bits_take_the_least_error(values):
    fmt = choose(values, 8, 1.25)
    safe = widest(values.max() * 1.25, values.min() * 1.25, 8) if values.any() else 7
    assert safe <= fmt.frac_bits <= safe + 3
    assert error(values, fmt) == min(error(values, Format(8, safe + more)) for more in range(4))


def test_eight_bits_saturate_outliers_where_that_pays():
    values = np.append(np.random.default_rng(0).standard_normal(100_000), 9.0)
    fmt = choose(values, 8, 1.0)
    assert fmt.dequantise(np.array(fmt.high)) < 9.0


@pytest.mark.parametrize("bits", [8, 16])
@settings(max_examples=25)
@given(acts=st.lists(st.sampled_from(ACTIVATIONS), min_size=3, max_size=3), seed=st.integers(0, 9))
def test_every_tensor_has_a_format_and_layers_agree(bits, acts, seed):
    graph = Calibrate(bits, data=inputs()).apply(folded([9, 8, 7, 6], acts, seed=seed))
    assert all(tensor.fmt is not None and tensor.fmt.width == bits for tensor in graph.tensors.values())
    for i, activation in enumerate(acts):
        z = graph.tensors[f"z{i}"].fmt
        y = graph.tensors[f"y{i}" if activation else f"z{i}"].fmt
        if activation in ("Sigmoid", "Tanh"):
            assert y.frac_bits in (bits - 1, bits - 2)
            assert z.frac_bits >= bits - 1 - 4, "no finer than +-16 needs"
        else:
            assert y == z


def test_sixteen_bits_are_close_to_the_floats_everywhere():
    graph = folded([9, 20, 20, 4], ["LeakyRelu", "Relu", ""])
    x = inputs()
    formats = Calibrate(data=x).apply(graph).tensors
    for name, values in trace(graph, x).items():
        wanted = np.maximum(values, 0) if name == "z1" else values
        fmt = formats[name].fmt
        assert error(wanted, fmt) <= np.square(2.0**-fmt.frac_bits), name
        assert np.abs(wanted).max() * 5 > 2.0 ** (15 - fmt.frac_bits) or not wanted.any(), f"{name} wastes bits"


def test_below_zero_a_relu_needs_no_range():
    graph = folded([1, 1], ["Relu"], weights=[np.ones((1, 1))], biases=[np.zeros(1)])
    x = np.array([[-100.0], [0.7]] * 50, np.float32)
    assert Calibrate(data=x).apply(graph).tensors["z0"].fmt == Format(16, 15)


def test_without_data_noise_stands_in_and_says_so():
    graph = folded([9, 5])
    assert Calibrate().synthetic
    assert not Calibrate(data=inputs()).synthetic
    noise, again = (Calibrate().apply(graph).tensors for _ in range(2))
    assert noise == again
    fmt = noise["x"].fmt
    assert fmt.dequantise(np.array(fmt.high)) > 3 * 2.5, "twice the headroom over some three sigma"


def test_samples_are_spread_over_the_data():
    x = np.concatenate([np.full((500, 2), 0.01), np.full((500, 2), 8.0)]).astype(np.float32)
    assert Calibrate(samples=100, data=x).apply(folded([2, 2])).tensors["x"].fmt.frac_bits == 11


@pytest.mark.parametrize(("times", "bits", "frac"), [(1.0, 16, 13), (2.0, 16, 12), (6.0, 16, 13), (2.0, 8, 5)])
def test_a_sample_that_is_not_among_the_rows_has_a_bit_and_no_more(times, bits, frac):
    """Of 1,000 rows within 2.5, a hundred are run; one of the others goes so many times as far."""
    x = np.random.default_rng(0).uniform(-2.5, 2.5, (1000, 2)).astype(np.float32)
    x[777, 1] = times * 2.5
    kind, graph = Calibrate(bits, samples=100, data=x), folded([2, 2])
    assert kind.apply(graph).tensors["x"].fmt.frac_bits == frac
    assert replace(kind, whole=False).apply(graph).tensors["x"].fmt.frac_bits == bits - 3


def test_the_data_is_looked_through_once_and_again_for_another_scale(monkeypatch):
    """A search calibrates for every size that it weighs; weights have no part in which rows are near."""
    looks, near = [], calibrate._near
    monkeypatch.setattr(calibrate, "_near", lambda *args: looks.append(1) or near(*args))
    x = np.random.default_rng(0).uniform(-2.5, 2.5, (1000, 2)).astype(np.float32)
    x[777, 1] = 5.0
    kind, graph = Calibrate(samples=100, data=x), folded([2, 2])
    first, other = kind.apply(graph), kind.apply(folded([2, 2], seed=5))
    assert len(looks) == 1
    assert first.tensors["x"].fmt == other.tensors["x"].fmt
    kind.apply(graph.with_(affines={"x": Affine(np.full(2, 0.9), np.zeros(2))}))
    replace(kind, samples=100).apply(graph)
    assert len(looks) == 3


def test_few_samples_leave_more_room():
    """Twelve are doubted twice as much as many are; 8 bits have nothing to give."""
    x, graph = np.full((12, 2), 0.7, np.float32), folded([2, 2])
    assert [Calibrate(data=x, bits=bits).apply(graph).tensors["x"].fmt.frac_bits for bits in (16, 8)] == [14, 7]
    assert Calibrate(data=np.repeat(x, 100, axis=0)).apply(graph).tensors["x"].fmt.frac_bits == 15


def test_dead_layers_and_infinite_activations():
    graph = folded([3, 3], ["Relu"], weights=[np.zeros((3, 3))], biases=[np.zeros(3)])
    assert Calibrate(data=inputs(features=3)).apply(graph).tensors["y0"].fmt == Format(16, 15)
    graph = graph.with_constants({"fc0.bias": np.array([0, np.inf, 0])})
    with pytest.raises(EmccError, match="node 'fc0': activations are NaN or infinite on the calibration data"):
        Calibrate(data=inputs(features=3)).apply(graph)


@pytest.mark.parametrize("data", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_masks_in_front_of_a_softmax_take_no_precision(tmp_path, data, turned):
    """Attention adds -1e9 to what it is not to see; a Transpose may stand between."""
    rng = np.random.default_rng(0)
    weights = {
        "w": random_weight(rng, 36, 20), "s": np.array([-1, 6, 6]), "f": np.array([-1, 36]),
        "m": np.tril(np.full((1, 6, 6), -1e9, np.float32), -1), "v": random_weight(rng, 5, 36),
    }  # fmt: skip
    nodes = [
        node("Gemm", ["x", "w"], "a", transB=1),
        node("Reshape", ["a", "s"], "b"),
        node("Add", ["b", "m"], "masked"),
        node("Transpose", ["masked"], "turned", perm=[0, 2, 1]),
        node("Softmax", ["turned" if turned else "masked"], "d", axis=-1),
        node("Reshape", ["d", "f"], "e"),
        node("Gemm", ["e", "v"], "y", transB=1),
    ]
    nodes = nodes if turned else [each for each in nodes if each.op_type != "Transpose"]
    proto = model(nodes, ["n", 20], ["n", 5], weights, opset=13)
    x = inputs(100, 20)
    graph = Fold().apply(load(save(proto, tmp_path / "m.onnx")))
    (scores,) = (each.inputs[0] for each in graph.nodes if each.op == "Softmax")
    assert Calibrate(data=x if data else None).apply(graph).tensors[scores].fmt.frac_bits >= 6
    assert Calibrate(data=x).apply(graph.with_(outputs=(scores,))).tensors[scores].fmt.frac_bits < 0
