"""Quantisers: each is what its paper defines, trains without leaving its levels, and runs on the array to the bit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from emulate import emulate
from graphs import folded, passed
from hypothesis import given, settings
from hypothesis import strategies as st
from models import save
from small_convs import images, small_conv

from emcc.base.errors import EmccError
from emcc.compress.finetune import Finetune, Through
from emcc.compress.magnitude import Prune
from emcc.compress.method import having, method
from emcc.compress.quantisers.binary import Binary
from emcc.compress.quantisers.power_of_two import PowerOfTwo
from emcc.compress.quantisers.quantiser import Quantiser, bits_for, entries_of
from emcc.compress.quantisers.ternary import Ternary
from emcc.compress.quantisers.uniform import Uniform
from emcc.compress.rounding import snapped
from emcc.compress.state import book_of, weights_of
from emcc.container import decode, encode
from emcc.eie import reference
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.frontend import load
from emcc.ir.graph import Array, Graph
from emcc.legal.verify import verify
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise
from emcc.samples.dataset import Dataset

EVERY = {
    "uniform8": Uniform(reach="max"),
    "uniform8 rows": Uniform(scale="row"),
    "uniform3 rows": Uniform(scale="row", bits=3, reach="mse"),
    "uniform2": Uniform(bits=2, reach="mse"),
    "asymmetric5": Uniform(bits=5, symmetric=False, reach="max"),
    "asymmetric8": Uniform(bits=8, symmetric=False),
    "powers": PowerOfTwo(),
    "powers2": PowerOfTwo(bits=2),
    "ternary": Ternary(),
    "ternary rows": Ternary(scale="row"),
    "binary": Binary(),
    "binary tensor": Binary(scale="tensor"),
}
weights_drawn = st.builds(
    lambda seed, rows, columns, zeros: _drawn(seed, rows, columns, zeros),
    st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 40), st.sampled_from([0.0, 0.5, 1.0]),
)  # fmt: skip


def _drawn(seed: int, rows: int, columns: int, zeros: float) -> Array:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((rows, columns)) * rng.choice([1e-3, 1.0, 50.0]) + rng.choice([0.0, 0.5])
    return np.where(rng.random((rows, columns)) < zeros, 0, values).astype(np.float32)


def made(quantiser: Quantiser, weights: Array) -> Array:
    return weights_of(*quantiser.levels(weights, 0))


@given(weights_drawn, st.sampled_from(sorted(EVERY)))
def test_zeros_stay_and_the_codebook_says_the_levels(weights: Array, name: str) -> None:
    values, codes = EVERY[name].levels(weights, 0)
    levels = weights_of(values, codes)
    assert levels.dtype == np.float32
    assert levels.shape == weights.shape
    assert codes.dtype == np.uint8
    assert not values[..., 0].any()
    assert not levels[weights == 0].any()
    assert not (np.sign(levels) * np.sign(weights) < 0).any()
    np.testing.assert_allclose(book_of(values, codes).weights(), levels, rtol=1e-5)


@given(weights_drawn, st.integers(2, 8), st.sampled_from(["tensor", "row"]))
def test_uniform_symmetric(weights: Array, bits: int, scale: str) -> None:
    """Jacob et al. 2018: r = S q, q of 2**(b-1) - 1 steps either way, S the largest size over them."""
    levels, top = made(Uniform(scale=scale, bits=bits, reach="max"), weights), (1 << bits - 1) - 1
    for row, own in zip(weights, levels, strict=True) if scale == "row" else [(weights, levels)]:
        step = np.float32(np.abs(row).max() / top)
        if step:
            wanted = np.rint(row.astype(np.float64) / step) * step
            np.testing.assert_allclose(own, wanted, rtol=1e-5, atol=1e-6 * step)
            assert np.abs(own - row).max() <= step / 2 * (1 + 1e-5)


@given(weights_drawn, st.integers(2, 8))
def test_uniform_asymmetric(weights: Array, bits: int) -> None:
    values, codes = Uniform(bits=bits, symmetric=False, reach="max").levels(weights, 0)
    levels, steps = weights_of(values, codes), np.diff(np.unique(values.ravel()).astype(np.float64))
    assert values.size <= 1 << bits
    if weights.any():
        np.testing.assert_allclose(steps, steps[0], rtol=1e-4)
        reach = max(weights.max(), 0) - min(weights.min(), 0)
        np.testing.assert_allclose(steps[0], reach / ((1 << bits) - 1), rtol=1e-4)
        assert np.abs(levels - weights).max() <= steps[0] / 2 * (1 + 1e-4)


@given(weights_drawn, st.sampled_from([2, 3, 4]), st.sampled_from(["tensor", "row"]))
def test_the_least_error_is_no_more_than_that_of_the_largest(weights: Array, bits: int, scale: str) -> None:
    errors = [
        np.square(made(Uniform(scale=scale, bits=bits, reach=reach), weights) - weights, dtype=np.float64).sum()
        for reach in ("mse", "max")
    ]
    assert errors[0] <= errors[1] * (1 + 1e-5) + 1e-12


@given(weights_drawn, st.integers(2, 5))
def test_powers_of_two(weights: Array, bits: int) -> None:
    """INQ, equations 2 and 4, with as many powers as the code has room for: the nearest of all levels."""
    values, codes = PowerOfTwo(bits=bits).levels(weights, 0)
    sizes = np.unique(np.abs(values[values != 0].astype(np.float64)))
    assert sizes.size == (1 << bits - 1) - 1
    assert (np.frexp(sizes)[0] == 0.5).all()
    if weights.any():
        assert np.log2(sizes.max()) == np.floor(np.log2(4 * np.abs(weights.astype(np.float64)).max() / 3))
        away = np.abs(weights[..., None].astype(np.float64) - values).min(axis=-1)
        np.testing.assert_array_equal(np.abs(weights - weights_of(values, codes).astype(np.float64)), away)


@given(weights_drawn, st.sampled_from(["tensor", "row"]))
def test_ternary(weights: Array, scale: str) -> None:
    """Li et al. 2016: delta = 0.7 / n sum |w|, the scale the mean of |w| above it."""
    levels = made(Ternary(scale=scale), weights)
    for row, own in zip(weights, levels, strict=True) if scale == "row" else [(weights, levels)]:
        sizes = np.abs(row.astype(np.float64))
        above = sizes > 0.7 * sizes.sum() / sizes.size
        alpha = sizes[above].mean() if above.any() else 0.0
        np.testing.assert_allclose(own, np.where(above, np.sign(row) * alpha, 0), rtol=1e-6)


@given(weights_drawn, st.sampled_from(["tensor", "row"]))
def test_binary(weights: Array, scale: str) -> None:
    """Rastegari et al. 2016: sign(w) times the mean of |w|; of pruned weights the scale of the least error."""
    levels = made(Binary(scale=scale), weights)
    for row, own in zip(weights, levels, strict=True) if scale == "row" else [(weights, levels)]:
        sizes = np.abs(row.astype(np.float64))
        alpha = sizes[sizes > 0].mean() if sizes.any() else 0.0
        np.testing.assert_allclose(own, np.sign(row) * alpha, rtol=1e-6)


def test_a_layer_of_its_own_bits() -> None:
    graph = folded([12, 16, 5], seed=1)
    shared = Uniform(bits=3, layers={"fc1": 8}).apply(graph)
    entries = [np.unique(shared.constants[f"fc{i}.weight"]).size for i in range(2)]
    assert entries[0] <= 7 < entries[1]
    mixed = Ternary(layers={"fc1": 8}).apply(graph)
    assert np.unique(mixed.constants["fc0.weight"]).size == 3
    np.testing.assert_array_equal(mixed.constants["fc1.weight"], shared.constants["fc1.weight"])


def test_bits_that_a_search_may_try() -> None:
    assert [bits_for(entries) for entries in (1, 2, 5, 6, 14, 15, 255)] == [2, 2, 2, 3, 4, 4, 8]
    assert entries_of(range(2, 9), 15) == [2, 6, 14]
    assert entries_of(range(2, 9), 1) == [2]
    assert [bits_for(entries) for entries in entries_of(range(2, 9), 255)] == list(range(2, 9))


@pytest.mark.parametrize("name", EVERY)
def test_on_the_array_to_the_bit(name: str) -> None:
    """Through file and array: what is decoded is what was encoded, and the array's integers are the reference's."""
    graph, rng = folded([10, 12, 6], seed=3), np.random.default_rng(0)
    shared = EVERY[name].apply(Prune(0.3).apply(graph))
    verify(shared, after="share")
    x = rng.standard_normal((20, 10)).astype(np.float32)
    whole = Quantise().apply(Calibrate(data=x).apply(shared))
    verify(whole, after="quantise")
    again = decode(encode(whole))
    for key, value in whole.constants.items():
        np.testing.assert_array_equal(again.constants[key], value)
    for pes, groups in ((4, 2), (1, 1)):
        program = lower(whole, LowerOptions(pes=pes, groups=groups))
        inputs = {"x": rng.integers(-3000, 3000, (6, 10))}
        wanted = reference.run_ports(program, inputs)
        got = emulate(program, inputs)
        for port, values in wanted.items():
            np.testing.assert_array_equal(got[port], values)


def test_one_bit_a_weight_where_none_is_zero() -> None:
    graph = folded([10, 12, 6], seed=3)
    assert [book.code_w for book in Binary().apply(graph).codebooks.values()] == [1, 1]
    assert {book.code_w for book in Binary().apply(Prune(0.4).apply(graph)).codebooks.values()} == {2}


@pytest.mark.parametrize("name", ["uniform8 rows", "ternary rows", "binary", "powers"])
def test_convolutions_with_a_scale_a_filter(name: str, tmp_path: Any) -> None:
    graph = passed(load(save(small_conv(), tmp_path / "m.onnx"), "emcc compile", None), Fold())
    shared = EVERY[name].apply(graph)
    verify(shared, after="share")
    whole = Quantise().apply(Calibrate(data=images(8)).apply(shared))
    program = lower(whole, LowerOptions(pes=4, groups=2))
    inputs = {"x": np.random.default_rng(1).integers(-2000, 2000, (3, 128))}
    wanted, got = reference.run_ports(program, inputs), emulate(program, inputs)
    for port, values in wanted.items():
        np.testing.assert_array_equal(got[port], values)


@pytest.mark.parametrize("name", ["uniform3 rows", "uniform8", "powers", "ternary", "binary", "noise"])
def test_training_stays_on_the_levels(name: str) -> None:
    """The held-out loss does not grow, weights moved between levels, and what was trained is what the rule gives."""
    pytest.importorskip("torch")
    quantiser: Any = replace(EVERY["ternary"], noise=0.5) if name == "noise" else EVERY[name]
    graph = folded([12, 16, 5], seed=2)
    x = np.random.default_rng(0).standard_normal((300, 12)).astype(np.float32)
    tuner = Finetune(shared_epochs=6, batch=16, shared_learning_rate=0.003, data=Dataset(x, None), teacher=graph)
    begun, tuned = quantiser.apply(graph), Through(quantiser, tuner).apply(graph)
    losses = [tuner.problem.judge(one)[0] for one in (begun, tuned)]
    assert losses[1] <= losses[0]
    assert losses[1] < 0.9 * losses[0] or name == "uniform8"
    moved = [(tuned.codebooks[key].codes != begun.codebooks[key].codes).any() for key in begun.codebooks]
    assert any(moved) or name == "uniform8"
    for key, weights in tuned.constants.items():
        if key.endswith("weight"):
            verify(tuned, after="finetune")
            # A rule of its own result changes nothing, but for the scale of what reaches further or less far.
            again = made(quantiser, weights)
            sizes = np.abs(again[weights != 0] / weights[weights != 0])
            if name in ("powers", "ternary", "binary", "noise"):
                np.testing.assert_allclose(sizes, 1, rtol=1e-5)


def test_scales_alone_learn_once_codes_stay() -> None:
    torch = pytest.importorskip("torch")
    from emcc.compress.state import State

    for quantiser in (Ternary(scale="row"), Ternary(), PowerOfTwo()):
        graph = folded([6, 4], seed=5)
        values, codes = quantiser.levels(graph.constants["fc0.weight"], 0)
        weights = {"fc0.weight": weights_of(values, codes)}
        state = State(weights, {"fc0.bias": np.zeros(4, np.float32)}, {"fc0.weight": values}, {"fc0.weight": codes})
        parameters = quantiser.entries(torch, state)
        assert ("fc0.weight" in parameters.leaves) == (not isinstance(quantiser, PowerOfTwo))
        for leaf in parameters.leaves.values():
            leaf.data *= 1.5
        shown = parameters.constants()["fc0.weight"].detach().numpy()
        after = parameters.result(state)
        factor = 1 if isinstance(quantiser, PowerOfTwo) else 1.5
        np.testing.assert_allclose(shown, factor * weights["fc0.weight"], rtol=1e-5)
        np.testing.assert_allclose(after.weights["fc0.weight"], shown, rtol=1e-5)


def test_quant_noise_quantises_a_share_of_the_weights() -> None:
    torch = pytest.importorskip("torch")
    from emcc.compress.state import state_of

    graph = folded([100, 50], seed=5)
    quantiser = Ternary(noise=0.25)
    parameters = quantiser.parameters(torch, state_of(graph), quantiser.assigner(graph), 1)
    shares = []
    for step in range(2):
        parameters.project(step, 0.0)
        shown = parameters.constants()["fc0.weight"].detach().numpy()
        levels = made(quantiser, graph.constants["fc0.weight"])
        as_it_is = shown == graph.constants["fc0.weight"]
        np.testing.assert_allclose(shown[~as_it_is], levels[~as_it_is], rtol=1e-5, atol=1e-7)
        shares.append(as_it_is)
    assert all(0.7 < share.mean() < 0.8 for share in shares)
    assert (shares[0] != shares[1]).any()


@pytest.mark.parametrize(
    ("quantiser", "words"),
    [
        (Ternary(bits=8), "three values"),
        (Binary(bits=2), "two values"),
        (Uniform(symmetric=False, scale="row"), "zero points"),
        (Uniform(layers={"fc9": 4}), "uniform.layers names layers"),
    ],
)
def test_what_cannot_be(quantiser: Quantiser, words: str) -> None:
    graph: Graph = folded([12, 16, 5])
    with pytest.raises(EmccError, match=words) as raised:
        quantiser.apply(graph)
    if "values" in words:
        assert list(raised.value.details) == ["'fc0': Linear", "'fc1': Linear"]


def test_each_is_a_method() -> None:
    assert set(having("share")) >= {"uniform", "power-of-two", "ternary", "binary"}
    assert all(method(name).name == name for name in having("share"))


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_scales_of_rows_differ_by_orders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = (rng.standard_normal((6, 20)) * 10.0 ** rng.integers(-6, 6, (6, 1))).astype(np.float32)
    for quantiser in (Uniform(scale="row"), Ternary(scale="row"), Binary()):
        values, codes = quantiser.levels(weights, 0)
        np.testing.assert_allclose(book_of(values, codes).weights(), weights_of(values, codes), rtol=1e-5)


@pytest.mark.parametrize("name", ["ternary rows", "binary", "uniform8 rows", "uniform3 rows", "ternary"])
def test_rounding_for_the_file_leaves_scales(name: str) -> None:
    """What `emcc compress` writes of a network that is no chain: whole numbers keep the scales of their rows."""
    shared = EVERY[name].apply(folded([12, 16, 5], seed=4))
    whole = snapped(shared)
    verify(whole, after="share")
    for key in shared.codebooks:
        np.testing.assert_allclose(whole.constants[key], shared.constants[key], rtol=1e-4)
