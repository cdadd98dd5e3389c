"""Prune: exact counts, ties, layers of their own, names that are not there."""

import numpy as np
import pytest
from graphs import folded
from hypothesis import given
from hypothesis import strategies as st

from emcc.base.errors import EmccError
from emcc.compress.importance.choice import removed, smallest
from emcc.compress.importance.ranking import SCORES
from emcc.compress.magnitude import Prune

SIZES = [7, 11, 5, 3]


def weights_of(graph):
    return [graph.constants[name] for name in ("fc0.weight", "fc1.weight", "fc2.weight")]


def zeros_in(arrays):
    return sum(int((array == 0).sum()) for array in arrays)


@given(sparsity=st.floats(0, 1), score=st.sampled_from(sorted(SCORES)), seed=st.integers(0, 50))
def test_exactly_the_fraction_is_zero_and_the_rest_is_untouched(sparsity, score, seed):
    graph = folded(SIZES, seed=seed)
    pruned = Prune(sparsity, score).apply(graph)
    before, after = weights_of(graph), weights_of(pruned)
    assert zeros_in(after) == removed(sum(array.size for array in before), sparsity)
    for old, new in zip(before, after, strict=True):
        assert new.dtype == np.float32
        np.testing.assert_array_equal(new[new != 0], old[new != 0])


@given(sparsity=st.floats(0, 1), own=st.floats(0, 1))
def test_a_named_layer_has_its_own_fraction_and_the_others_share_theirs(sparsity, own):
    graph = folded(SIZES)
    first, *others = weights_of(Prune(sparsity, layers={"fc0": own}).apply(graph))
    assert zeros_in([first]) == removed(first.size, own)
    assert zeros_in(others) == removed(sum(array.size for array in others), sparsity)


@pytest.mark.parametrize("score", sorted(SCORES))
def test_within_a_layer_the_smallest_go_and_ties_go_by_index(score):
    weight = np.array([[3, -1, 1, 2], [1, -1, 5, 4]], np.float32)
    graph = folded([4, 2], weights=[weight])
    kept = Prune(3 / 8, score).apply(graph).constants["fc0.weight"]
    np.testing.assert_array_equal(kept, [[3, 0, 0, 2], [0, -1, 5, 4]])


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(-1, 31))
def test_smallest_agrees_with_a_stable_sort(values, count):
    mask = smallest(np.array(values, float), count)
    expected = sorted(range(len(values)), key=lambda i: (values[i], i))[: max(count, 0)]
    assert sorted(np.flatnonzero(mask)) == sorted(expected)


def test_zeros_there_before_count_and_stay():
    graph = folded([10, 10], weights=[np.where(np.arange(100) < 40, 0, np.arange(100)).reshape(10, 10)])
    assert zeros_in([Prune(0.5).apply(graph).constants["fc0.weight"]]) == 50
    assert zeros_in([Prune(0.1).apply(graph).constants["fc0.weight"]]) == 40


@pytest.mark.parametrize("score", sorted(SCORES))
@pytest.mark.parametrize("scale", [0, 1e-38, 1e38])
def test_tiny_huge_and_zero_layers(score, scale):
    graph = folded([6, 6, 6])
    graph = graph.with_constants({"fc1.weight": np.clip(graph.constants["fc1.weight"], -1, 1) * np.float32(scale)})
    pruned = Prune(0.75, score).apply(graph)
    assert zeros_in([pruned.constants["fc0.weight"], pruned.constants["fc1.weight"]]) == 54


def test_lamp_keeps_the_largest_weight_of_every_layer():
    graph = folded([20, 20, 20])
    graph = graph.with_constants({"fc0.weight": graph.constants["fc0.weight"] * np.float32(1e-6)})
    kept = weights_of_two(Prune(0.99, "lamp").apply(graph))
    assert all(array.any() for array in kept)
    assert not Prune(0.99, "magnitude").apply(graph).constants["fc0.weight"].any()


def weights_of_two(graph):
    return [graph.constants["fc0.weight"], graph.constants["fc1.weight"]]


def test_an_unknown_layer_is_named_with_the_known_ones():
    with pytest.raises(EmccError) as error:
        Prune(0.5, layers={"fc00": 0.1, "conv": 0.2}).apply(folded(SIZES))
    assert str(error.value) == (
        "prune.layers names layers the model does not have\n"
        "  'conv'\n"
        "  'fc00' (did you mean 'fc0'?)\n"
        "  hint: the layers are 'fc0', 'fc1', 'fc2'"
    )


def test_weights_that_are_not_finite_are_refused():
    graph = folded([2, 2], weights=[np.array([[1, np.nan], [np.inf, 1]])])
    with pytest.raises(EmccError, match="node 'fc0': 2 of 4 weights are NaN or infinite"):
        Prune().apply(graph)
