"""K-means: inertia never grows, beats uniform levels, survives empty clusters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emcc.compress.clusters.lloyd import INITS, inertia, initial, kmeans, starts, step, sums

numbers = st.lists(st.floats(-1e3, 1e3, width=32), min_size=5, max_size=60, unique=True)


def prepared(values):
    return np.sort(np.array(values, np.float64)), np.random.default_rng(len(values)).integers(1, 9, len(values))


@given(numbers, st.integers(1, 4), st.sampled_from(INITS))
def test_inertia_never_grows(values, k, init):
    values, counts = prepared(values)
    centroids = initial(values, counts, k, init, 0)
    before = inertia(values, counts, centroids)
    for _ in range(20):
        centroids = step(values, *sums(values, counts), centroids)
        after = inertia(values, counts, centroids)
        assert after <= before * (1 + 1e-12) + 1e-12
        before = after


@given(numbers, st.integers(1, 4))
def test_no_worse_than_uniform_levels(values, k):
    values, counts = prepared(values)
    uniform = np.linspace(values[0], values[-1], k)
    assert inertia(values, counts, kmeans(values, counts, k)) <= inertia(values, counts, uniform) * (1 + 1e-12)


@given(numbers, st.integers(1, 4))
def test_a_centroid_is_the_mean_of_its_cluster_at_the_end(values, k):
    values, counts = prepared(values)
    centroids = kmeans(values, counts, k, max_iter=1000)
    begin = starts(values, centroids)
    for i, (low, high) in enumerate(zip(begin, [*begin[1:], len(values)], strict=True)):
        if high > low:
            mean = np.average(values[low:high], weights=counts[low:high])
            assert centroids[i] == pytest.approx(mean, rel=1e-9, abs=1e-9)


def test_empty_clusters_are_put_to_use():
    values = np.array([0.0, 1e-3, 2e-3, 1000.0])
    counts = np.ones(4, np.int64)
    # Uniform levels leave the two in the middle empty; at the end no cluster is.
    assert inertia(values, counts, kmeans(values, counts, 4)) == 0


def test_far_apart_magnitudes_lose_nothing():
    values = np.array([-1e30, -2e-30, -1e-30, 1e-30, 1e30])
    counts = np.ones(5, np.int64)
    centroids = kmeans(values, counts, 3)
    assert centroids[0] == -1e30
    assert centroids[2] == 1e30
    assert abs(centroids[1]) < 1e-29


@pytest.mark.parametrize("init", INITS)
def test_deterministic(init):
    values, counts = prepared(np.random.default_rng(1).standard_normal(500))
    runs = [kmeans(values, counts, 15, init=init, seed=4) for _ in range(2)]
    np.testing.assert_array_equal(*runs)


def test_a_million_weights():
    values = np.unique(np.random.default_rng(0).standard_normal(1_000_000))
    centroids = kmeans(values, np.ones(values.size, np.int64), 15)
    assert centroids.size == 15
    assert (np.diff(centroids) > 0).all()
