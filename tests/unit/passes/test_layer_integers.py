"""Codebooks with scales become integers and multipliers, within half of a last place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emcc.ir.graph import Codebook, Format
from emcc.ops.fixed import rescaled
from emcc.passes.layer_integers import ACC_LIMIT, of_16_bits, scale_layer

X, Z = Format(16, 8), Format(16, 10)
NONE = np.zeros(0)


@given(st.integers(0, 2**32), st.sampled_from([0.0, 3.0, 12.0]), st.booleans())
def test_a_multiplier_a_row(seed: int, apart: float, entries: bool) -> None:
    """z is the float meaning to within half of its last place, and what 16 bits leave of each row's scale."""
    rng = np.random.default_rng(seed)
    codes, values = rng.integers(-127, 128, (6, 20)).astype(np.int8), NONE
    if entries:
        values = np.array([0.0, -3, -1, 1, 2])
        codes = rng.integers(0, 5, (6, 20)).astype(np.uint8)
    scale = 2.0 ** rng.uniform(-9.9 - apart, -9, 6) * rng.choice([-1, 1], 6)
    bias = rng.standard_normal(6)
    book = Codebook(values, codes, 4 if entries else 8, scale)
    made = scale_layer(book, bias, X, X.low, Z)
    assert made.multiplier is not None
    assert 1 << 14 <= np.abs(made.multiplier).max() < 1 << 15
    x = rng.integers(-3000, 3000, (50, 20))
    integers = codes.astype(int) if made.codebook is None else made.codebook[codes]
    assert (made.codebook is None) == (not entries)
    acc = x @ integers.T + made.bias
    z = rescaled(acc, made.shift(X.frac_bits), made.multiplier)
    exact = np.ldexp(np.ldexp(x.astype(float), -8) @ book.weights().T + bias, made.z_frac)
    by_rounding = np.abs(acc) * 0.5 * 2.0 ** -made.shift(X.frac_bits)
    assert (np.abs(z - exact) <= 1 + by_rounding).all()


def test_rows_without_weights_keep_their_bias() -> None:
    codes = np.zeros((3, 4), np.int8)
    codes[1] = 100
    book = Codebook(NONE, codes, 8, np.array([1e-9, 0.01, 1.0]))
    made = scale_layer(book, np.array([1.5, -2.25, 3.0]), X, X.low, Z)
    z = rescaled(made.bias, made.shift(8), made.multiplier if made.multiplier is not None else 1)
    np.testing.assert_allclose(np.ldexp(z.astype(float), -made.z_frac), [1.5, -2.25, 3.0], atol=1e-3)


def test_one_power_of_two_needs_no_multiplier() -> None:
    for scale in (np.array([0.125]), np.full(3, 0.125)):
        book = Codebook(NONE, np.arange(-6, 6, dtype=np.int8).reshape(3, 4), 8, scale)
        made = scale_layer(book, np.zeros(3), X, X.low, Z)
        assert made.multiplier is None
        assert made.weight_frac == 3


@given(st.integers(0, 2**32), st.integers(-20, 20))
def test_16_bits(seed: int, power: int) -> None:
    weights = (np.random.default_rng(seed).standard_normal((5, 7)) * 2.0**power).astype(np.float32)
    book = of_16_bits(weights)
    assert book.identity
    assert book.codes.dtype == np.int16
    assert np.abs(book.codes.astype(int)).max() >= 1 << 13
    assert np.abs(book.weights() - weights).max() <= book.scale[0] / 2  # type: ignore[index]


def test_16_bits_lose_some_where_sums_would_not_fit() -> None:
    """A bias of many bits: the weights' fraction bits go down with it, and codes are rounded anew."""
    book = of_16_bits(np.full((1, 4), 0.7, np.float32))
    made = scale_layer(book, np.array([2.0**26]), X, X.low, Format(16, -12))
    assert made.codes is not None
    assert made.weight_frac < -np.log2(book.scale[0])  # type: ignore[index]
    np.testing.assert_allclose(np.ldexp(made.codes.astype(float), -made.weight_frac), 0.7, rtol=0.01)
    assert abs(int(made.bias[0])) < ACC_LIMIT


def test_what_does_not_fit_is_refused() -> None:
    book = Codebook(NONE, np.full((1, 4), 3, np.int8), 8, np.array([0.3]))
    with pytest.raises(OverflowError):
        scale_layer(book, np.array([2.0**60]), X, X.low, Z)
