"""Quantise: integers within the bound that rounding allows, accumulators as small as proven."""

from dataclasses import replace

import numpy as np
import pytest
from graphs import folded
from hypothesis import given, settings
from hypothesis import strategies as st

from emcc.base.errors import EmccError
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.ir.graph import Codebook, Format, Node
from emcc.ops import interpret, registry
from emcc.ops.fixed import accumulator_bound, row_sums
from emcc.ops.qlinear import accumulate
from emcc.passes.calibrate import Calibrate
from emcc.passes.functions import apply_function
from emcc.passes.layer_integers import finest_weight_frac, scale_layer
from emcc.passes.quantise import Quantise, table_errors

ACTIVATIONS = ["", "Relu", "LeakyRelu", "Sigmoid", "Tanh"]
SCALES = [0.0, 1e-30, 1.0, 1e30]


def compressed(acts, scale=1.0, bits=16, code_w=4, seed=0, bias_scale=1.0):
    graph = folded([9, 8, 7, 6], acts, seed=seed)
    changes = {"fc1.weight": graph.constants["fc1.weight"] * np.float32(scale)}
    changes |= {"fc1.bias": graph.constants["fc1.bias"] * bias_scale}
    shared = Share(code_w).apply(Prune(0.3).apply(graph.with_constants(changes)))
    x = np.random.default_rng(seed).standard_normal((40, 9)).astype(np.float32)
    return Calibrate(bits, data=x).apply(shared), x


@settings(max_examples=10)
@given(
    acts=st.lists(st.sampled_from(ACTIVATIONS), min_size=3, max_size=3),
    scale=st.sampled_from(SCALES),
    bits=st.sampled_from([8, 16]),
    code_w=st.sampled_from([1, 2, 4, 8]),
    seed=st.integers(0, 5),
    bias_scale=st.sampled_from([0.0, 1e-20, 1.0, 1e20]),
)
def test_each_layer_is_within_rounding_of_its_float_meaning(acts, scale, bits, code_w, seed, bias_scale):
    graph, x = compressed(acts, scale, bits, code_w, seed, bias_scale)
    quantised = Quantise().apply(graph)
    values = interpret.trace(quantised, quantised.tensors["x"].fmt.quantise(x))
    errors = table_errors(graph, quantised)
    for i, node in enumerate(quantised.nodes):
        attrs, (codes, codebook, bias) = node.attrs, (quantised.constants[name] for name in node.inputs[1:4])
        x_fmt, y_fmt = quantised.tensors[node.inputs[0]].fmt, quantised.tensors[node.outputs[0]].fmt
        z_fmt, integers = Format(bits, attrs["z_frac"]), values[node.inputs[0]]
        assert attrs["shift"] == x_fmt.frac_bits + attrs["weight_frac"] - attrs["z_frac"] >= 0
        acc = accumulate(integers, codes, codebook, bias)
        sums = np.abs(codebook)[codes].sum(axis=1)
        bound = accumulator_bound(sums, bias, x_fmt.low, x_fmt.high, attrs["shift"])
        assert np.abs(acc).max() + (1 << attrs["shift"] >> 1) <= bound < 1 << 47
        exact = (
            x_fmt.dequantise(integers) @ graph.constants[f"fc{i}.weight"].astype(float).T
            + graph.constants[f"fc{i}.bias"]
        )
        z = np.clip(np.floor(np.ldexp(acc, -attrs["shift"]) + 0.5), z_fmt.low, z_fmt.high)
        saturated = np.clip(exact, *z_fmt.dequantise(np.array([z_fmt.low, z_fmt.high])))
        products = np.abs(x_fmt.dequantise(integers)).sum(axis=1, keepdims=True) * 2.0 ** -attrs["weight_frac"]
        half = (2.0 ** -attrs["z_frac"] + products + 2.0 ** -(x_fmt.frac_bits + attrs["weight_frac"])) / 2
        assert (np.abs(z_fmt.dequantise(z) - saturated) <= half * (1 + 1e-9) + np.abs(exact) * 1e-12).all()
        y = values[node.outputs[0]].reshape(z.shape)
        if attrs["function"] == "table":
            activation = next(n for n in graph.nodes if n.name == f"act{i}")
            wanted = np.clip(
                np.ldexp(apply_function(activation, z_fmt.dequantise(z)), y_fmt.frac_bits), y_fmt.low, y_fmt.high
            )
            assert np.abs(y - wanted).max() <= errors[node.name] <= 2
        else:
            assert y_fmt == z_fmt
            np.testing.assert_array_equal(y, np.maximum(z, 0) if attrs["function"] == "relu" else z)


def test_the_graph_is_the_contracts_chain():
    graph, _ = compressed(["LeakyRelu", "Relu", ""])
    quantised = Quantise().apply(graph.with_(host=(("Softmax", {"axis": -1}),)))
    assert [node.inputs for node in quantised.nodes] == [
        ("x", "fc0.codes", "fc0.codebook", "fc0.bias", "", "fc0.coarse", "fc0.fine"),
        ("y0", "fc1.codes", "fc1.codebook", "fc1.bias"),
        ("y1", "fc2.codes", "fc2.codebook", "fc2.bias"),
    ]
    assert [node.attrs["function"] for node in quantised.nodes] == ["table", "relu", "identity"]
    assert set(quantised.tensors) == {"x", "y0", "y1", "z2"}
    assert set(quantised.constants) == {name for node in quantised.nodes for name in node.inputs[1:] if name}
    assert quantised.host == (("Softmax", {"axis": -1}),)
    assert not quantised.codebooks
    for i in range(3):
        np.testing.assert_array_equal(quantised.constants[f"fc{i}.codes"], graph.codebooks[f"fc{i}.weight"].codes)
        book = quantised.constants[f"fc{i}.codebook"]
        assert book.dtype == np.int64
        assert book.shape == (16,)
        assert book[0] == 0
        assert np.abs(book).max() > 1 << 14, "as many fraction bits as fit"
        scale = graph.tensors[quantised.nodes[i].inputs[0]].fmt.frac_bits + quantised.nodes[i].attrs["weight_frac"]
        nearest = np.floor(np.ldexp(graph.constants[f"fc{i}.bias"], scale) + 0.5)
        np.testing.assert_array_equal(quantised.constants[f"fc{i}.bias"], nearest)


@given(st.lists(st.floats(-1e30, 1e30).filter(lambda v: abs(v) > 1e-30), min_size=1, max_size=5))
def test_finest_weight_frac(values):
    values = np.array(values)
    frac = finest_weight_frac(values)
    for more, fits in ((0, True), (1, False)):
        scaled = np.floor(np.ldexp(values, frac + more) + 0.5)
        assert (scaled.min() >= -32768 and scaled.max() <= 32767) == fits


def test_finest_weight_frac_of_powers_of_two():
    assert finest_weight_frac(np.array([0.0, -1.0])) == 15
    assert finest_weight_frac(np.array([0.0, 1.0])) == 14
    assert finest_weight_frac(np.zeros(3)) is None


@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 20), st.integers(0, 100))
def test_the_bound_is_met_by_the_worst_input(rows, columns, shift, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 16, (rows, columns)).astype(np.uint8)
    codebook, bias = rng.integers(-32768, 32768, 16), rng.integers(-(1 << 30), 1 << 30, rows)
    weights = codebook[codes]
    np.testing.assert_array_equal(row_sums(codes, 16)(codebook), np.abs(weights).sum(axis=1))
    # Inputs of full range and the sign of each weight, or its opposite, reach it but for -low being high + 1.
    reached = max(
        int(np.abs(np.where(weights[r] * sign > 0, 32767, -32768) @ weights[r] + bias[r]))
        for r in range(rows)
        for sign in (1, -1)
    )
    bound = accumulator_bound(np.abs(weights).sum(axis=1), bias, -32768, 32767, shift) - (1 << shift >> 1)
    assert reached <= bound <= reached + int(np.abs(weights).sum(axis=1).max())


def test_wide_layers_get_a_coarser_codebook():
    book = Codebook(np.array([0.0, 1.99]), np.ones((1, 1 << 18), np.uint8), 1)
    scaled = scale_layer(book, np.zeros(1), Format(16, 15), -32768, Format(16, -3))
    assert scaled.weight_frac < 14
    sums = np.abs(scaled.codebook)[book.codes].sum(axis=1)
    assert accumulator_bound(sums, scaled.bias, -32768, 32767, scaled.shift(15)) < 1 << 47


def test_names_of_the_model_are_not_taken():
    graph, _ = compressed(["Relu", "Relu", ""])
    renamed = tuple(
        Node(n.name, n.op, tuple("fc0.codes" if i == "y1" else i for i in n.inputs),
             tuple("fc0.codes" if o == "y1" else o for o in n.outputs), n.attrs)
        for n in graph.nodes
    )  # fmt: skip
    tensors = {("fc0.codes" if name == "y1" else name): tensor for name, tensor in graph.tensors.items()}
    quantised = Quantise().apply(graph.with_(nodes=renamed, tensors=tensors))
    assert quantised.nodes[0].inputs[1] == "fc0.codes_"


@pytest.mark.parametrize("bias", [np.nan, np.inf])
def test_a_bias_that_is_not_finite(bias):
    graph, _ = compressed(["Relu", "Relu", ""])
    with pytest.raises(EmccError, match="node 'fc1': its bias is NaN or infinite"):
        Quantise().apply(graph.with_constants({"fc1.bias": np.full(7, bias)}))


def test_a_homogeneous_functions_table_is_within_an_ulp(monkeypatch):
    """Whatever the option allows; Sigmoid, which is not homogeneous, shows that the trait makes the difference."""
    graph, _ = compressed(["Sigmoid", "Sigmoid", ""])
    sigmoid, quantise = registry.get("Sigmoid"), Quantise(table_error=64.0)
    assert max(table_errors(graph, quantise.apply(graph)).values()) > 1.0
    claimed = replace(sigmoid, traits=sigmoid.traits | {"homogeneous"})
    monkeypatch.setattr(registry, "OPERATORS", {**registry.OPERATORS, "Sigmoid": claimed})
    assert max(table_errors(graph, quantise.apply(graph)).values()) <= 1.0
