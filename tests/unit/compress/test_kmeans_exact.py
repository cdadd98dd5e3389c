"""The optimum: as brute force finds it, never above Lloyd's, the same with and without compiled code."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emcc.compress.clusters import exact as kmeans_exact
from emcc.compress.clusters.exact import cut_points, merged, optimal, running_sums
from emcc.compress.clusters.lloyd import INITS, inertia, kmeans

tame = st.floats(-1e3, 1e3, width=32)
wild = st.floats(-(2.0**100), 2.0**100, width=32)


def prepared(values):
    return np.sort(np.array(values, np.float64)), np.random.default_rng(len(values)).integers(1, 9, len(values))


def cost_of(values, counts, begin):
    parts = zip(np.split(values, begin[1:]), np.split(counts, begin[1:]), strict=True)
    return sum(float(np.sum(n * np.square(x - np.average(x, weights=n)))) for x, n in parts)


def slack(values, counts):
    """What float64 cannot tell apart: costs are differences of sums of this size."""
    return 1e-12 * float(np.sum(counts * np.square(values - np.average(values, weights=counts)))) + 1e-300


@given(st.lists(st.one_of(tame, wild), min_size=2, max_size=9, unique=True), st.integers(1, 8))
def test_equals_brute_force(values, k):
    values, counts = prepared(values)
    k = min(k, len(values))
    best = min(cost_of(values, counts, (0, *cuts)) for cuts in combinations(range(1, len(values)), k - 1))
    assert inertia(values, counts, optimal(values, counts, k)) <= best + slack(values, counts)


@given(
    st.lists(tame, min_size=3, max_size=80, unique=True),
    st.integers(1, 20),
    st.sampled_from(INITS[1:]),
    st.integers(0, 3),
)
def test_never_above_lloyd_from_any_start(values, k, init, seed):
    values, counts = prepared(values)
    result = inertia(values, counts, kmeans(values, counts, k))
    other = inertia(values, counts, kmeans(values, counts, k, init=init, seed=seed))
    assert result <= other + slack(values, counts)


@pytest.mark.parametrize("k", [2, 15, 200])
def test_compiled_code_finds_the_same(monkeypatch, k):
    values, counts = prepared(np.random.default_rng(k).standard_normal(300))
    by_matrix = cut_points(values, counts, k)
    monkeypatch.setattr(kmeans_exact, "_SMALL", 0)
    np.testing.assert_array_equal(by_matrix, cut_points(values, counts, k))


@given(st.lists(st.integers(-8, 8), min_size=2, max_size=12, unique=True), st.integers(2, 11))
def test_compiled_code_costs_the_same_where_cuts_tie(values, k):
    from emcc.compress.clusters.kernels import cuts

    values, _ = prepared(values)
    counts, k = np.ones(len(values)), min(k, len(values))
    sums = running_sums(values, counts)
    costs = [cost_of(values, counts, begin) for begin in (cuts(*sums, k), kmeans_exact._cuts_by_matrix(*sums, k))]
    assert costs[0] == pytest.approx(costs[1], abs=1e-9)


@pytest.mark.parametrize("init", INITS)
def test_more_clusters_than_values_keep_the_values(init):
    values = np.array([-2.0, 0.5, 3.0])
    for k in (3, 4, 255):
        np.testing.assert_array_equal(kmeans(values, np.ones(3), k, init=init), values)
    assert kmeans(values[:0], np.ones(0), 4, init=init).size == 0


def test_one_cluster_is_the_mean():
    values, counts = prepared([1.0, 2.0, 4.0])
    assert optimal(values, counts, 1) == pytest.approx(np.average(values, weights=counts))


def test_lloyd_leaves_the_optimum_where_it_is():
    values, counts = prepared(np.random.default_rng(3).laplace(size=3000))
    np.testing.assert_allclose(kmeans(values, counts, 15), optimal(values, counts, 15), rtol=0, atol=1e-12)


@given(st.integers(0, 5), st.sampled_from(["normal", "outlier", "crowd"]))
def test_merging_keeps_weight_and_mean_and_spreads_the_levels(seed, shape):
    values = np.random.default_rng(seed).standard_normal(5000)
    counts = np.ones(5000, np.int64)
    if shape == "outlier":
        values[7] = 1e30
    if shape == "crowd":
        counts[9] = 10**9
    values = np.sort(values)
    means, weights = merged(values, counts, 1000)
    assert 333 <= len(means) <= 1000
    assert (np.diff(means) > 0).all()
    assert weights.sum() == counts.sum()
    assert np.sum(means * weights) == pytest.approx(np.sum(values * counts))
    assert weights.max() <= max(counts.max() + 10, 10), "no level is a crowd of its own making"
