"""Share: zeros are code 0, what fits is exact, the constants are the decoded weights."""

import numpy as np
import pytest
from graphs import folded
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emcc.base.errors import EmccError
from emcc.compress.clusters.codebook import cluster
from emcc.compress.clusters.lloyd import INITS
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.ir.codebook import CODE_WIDTHS, canonical

some_weights = arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.one_of(st.just(0.0), st.sampled_from([-1.0, 0.5, 1.0]), st.floats(-(2.0**100), 2.0**100, width=32)),
)


def assert_sound(book, weights):
    assert book.codes.dtype == np.uint8
    assert book.codes.shape == weights.shape
    assert 1 <= book.values.size <= 2**book.code_w
    start = int(book.values[0] == 0)
    assert set(book.codes.ravel().tolist()) | {0} == set(range(book.values.size)), "no unused entries but the zero"
    assert (np.diff(book.values[start:]) > 0).all(), "ascending and distinct"
    assert (weights == 0).sum() == 0 or book.values[0] == 0
    assert (book.codes[weights == 0] == 0).all()
    np.testing.assert_array_equal(book.values, book.values.astype(np.float32))


@given(some_weights, st.sampled_from((0, *CODE_WIDTHS)), st.sampled_from(INITS), st.integers(0, 3))
def test_codebooks_are_sound(weights, bits, init, seed):
    book = cluster(weights, bits, init=init, seed=seed)
    assert_sound(book, weights)
    assert book.code_w == (bits or book.code_w)
    if np.unique(weights).size <= 2**book.code_w:
        np.testing.assert_array_equal(book.weights(), weights)
    elif (weights == 0).any():
        assert book.values[0] == 0


@given(st.integers(1, 300))
def test_bits_0_is_the_narrowest_exact_width(distinct):
    weights = np.arange(distinct, dtype=np.float32).reshape(1, -1)
    book = cluster(weights, 0)
    assert book.code_w == next((width for width in CODE_WIDTHS if distinct <= 2**width), 8)
    if distinct <= 256:
        np.testing.assert_array_equal(book.weights(), weights)


def test_binary_weights_fill_one_bit():
    weights = np.where(np.arange(12).reshape(3, 4) % 3, 1, -1).astype(np.float32)
    book = cluster(weights, 1)
    np.testing.assert_array_equal(book.values, [-1, 1])
    np.testing.assert_array_equal(book.weights(), weights)


def test_ternary_weights_fit_two_bits_and_keep_a_zero():
    weights = (np.arange(12).reshape(3, 4) % 3 - 1).astype(np.float32)
    np.testing.assert_array_equal(cluster(weights, 2).values, [0, -1, 1])


def test_a_layer_without_zeros_but_with_room_has_an_unused_zero():
    book = cluster(np.full((2, 2), 3, np.float32), 4)
    np.testing.assert_array_equal(book.values, [0, 3])
    np.testing.assert_array_equal(book.codes, np.ones((2, 2)))


def test_a_dense_layer_uses_every_entry():
    weights = np.random.default_rng(0).uniform(1, 2, (20, 20)).astype(np.float32)
    assert cluster(weights, 4).values.size == 16
    assert cluster(weights, 4).values[0] > 0


def test_an_all_zero_layer():
    book = cluster(np.zeros((3, 3), np.float32), 4)
    np.testing.assert_array_equal(book.values, [0])
    assert not book.codes.any()


def test_canonical_sorts_merges_and_drops():
    codes = np.array([[0, 1, 2], [3, 4, 0]], np.uint8)
    book = canonical(np.array([0.0, 2.0, -1.0, 2.0, 0.0, 9.0]), codes, 4)
    np.testing.assert_array_equal(book.values, [0, -1, 2])
    np.testing.assert_array_equal(book.codes, [[0, 2, 1], [2, 0, 0]])


@given(st.sampled_from(CODE_WIDTHS), st.floats(0, 1), st.integers(0, 20))
def test_the_pass_decodes_into_the_constants_and_keeps_zeros(bits, sparsity, seed):
    graph = Prune(sparsity).apply(folded([9, 8, 7], seed=seed))
    shared = Share(bits).apply(graph)
    for name in ("fc0.weight", "fc1.weight"):
        book = shared.codebooks[name]
        assert_sound(book, graph.constants[name])
        assert shared.constants[name].dtype == np.float32
        np.testing.assert_array_equal(shared.constants[name], book.weights())


def test_a_layer_may_have_its_own_bits():
    shared = Share(2, layers={"fc1": 8}).apply(folded([9, 8, 7]))
    assert [shared.codebooks[f"fc{i}.weight"].code_w for i in range(2)] == [2, 8]
    with pytest.raises(EmccError, match=r"share\.layers names layers the model does not have"):
        Share(layers={"fc9": 2}).apply(folded([9, 8, 7]))
