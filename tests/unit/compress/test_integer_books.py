"""Kept weights: integers of a quantised model stay what they are, many distinct ones become codes of 16 bits."""

import numpy as np
import pytest
from graphs import folded
from hypothesis import given
from hypothesis import strategies as st

from emcc.compress.clusters.integers import of_units
from emcc.compress.kmeans import Share
from emcc.legal.verify import verify


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 7, 8, 127, 128, 255, 30000]), st.booleans())
def test_integers_times_units(seed: int, reach: int, channels: bool) -> None:
    rng = np.random.default_rng(seed)
    integers = rng.integers(-reach, reach + 1, (5, 60))
    unit = rng.uniform(0.001, 0.1, 5 if channels else 1)
    weights = (integers.astype(np.float32) * unit.astype(np.float32)[:, None]).astype(np.float32)
    book = of_units(weights, unit.astype(np.float32).astype(np.float64))
    assert book is not None
    held = book.codes if book.identity else book.values[book.codes]
    live = integers.any(axis=1)
    np.testing.assert_array_equal(held[live], integers[live])
    np.testing.assert_allclose(book.weights(), weights, rtol=1e-6)
    if book.identity:
        assert book.code_w == (8 if integers.min() >= -128 and integers.max() <= 127 else 16)
    else:
        assert len(book.values) <= 1 << book.code_w


def test_what_is_no_integers_has_no_such_codebook() -> None:
    weights = np.float32([[0.1, 0.25], [0.3, 0.0]])
    assert of_units(weights, np.array([0.1])) is None
    assert of_units(weights, np.array([0.0])) is None
    assert of_units(weights, np.array([np.nan])) is None
    assert of_units(weights, np.array([1e-9])) is None
    assert of_units(np.zeros((2, 2), np.float32), np.array([0.0])) is not None


@pytest.mark.parametrize("bits", [0, 16])
def test_many_distinct_weights_have_16_bits(bits: int) -> None:
    graph = folded([30, 20, 4], seed=1)
    shared = Share(kept_bits=bits).kept().apply(graph)
    verify(shared, after="share")
    books = list(shared.codebooks.values())
    assert [(book.code_w, book.identity) for book in books] == [(16, True), (8 if not bits else 16, bool(bits))]
    for name, book in shared.codebooks.items():
        reach = np.abs(graph.constants[name]).max()
        assert np.abs(book.weights() - graph.constants[name]).max() <= (reach / (1 << 14) if book.identity else 0)


def test_units_are_for_kept_weights_alone() -> None:
    graph = folded([30, 20, 4], seed=1)
    name = next(iter(graph.layers())).inputs[1]
    integers = np.rint(graph.constants[name] * 40)
    graph = graph.with_constants({name: (integers * np.float32(0.02)).astype(np.float32)})
    graph = graph.with_(units={name: np.array([float(np.float32(0.02))])})
    assert Share(bits=4).apply(graph).codebooks[name].values.size <= 16
    np.testing.assert_array_equal(Share().kept().apply(graph).codebooks[name].codes, integers)
