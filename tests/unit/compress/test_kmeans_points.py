"""Large layers: buckets are their numbers, the result is a fixed point of Lloyd on the weights themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emcc.compress.clusters import points as kmeans_points
from emcc.compress.clusters.codebook import cluster
from emcc.compress.clusters.lloyd import inertia, kmeans, starts
from emcc.compress.clusters.points import bucketed, distinct, key, nearest, number, optimal_of_many, thresholds

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
few = st.one_of(st.just(0.0), st.sampled_from([-1.0, 0.5, 1.0]), floats)


def large(kind, size=100_000, seed=0):
    random = np.random.default_rng(seed)
    values = random.standard_normal(size) * 0.05
    if kind == "outlier":
        values[5] = 1e30
    if kind == "narrow":
        values = 1 + values * 1e-3
    if kind == "crowd":
        values[random.random(size) < 0.8] = 0.25
    if kind == "sparse":
        values[random.random(size) < 0.8] = 0
    if kind == "laplace":
        values = random.laplace(size=size)
    return values.astype(np.float32)


KINDS = ["normal", "outlier", "narrow", "crowd", "sparse", "laplace"]


@given(st.lists(floats, min_size=2, max_size=40))
def test_keys_order_as_numbers_and_come_back(values):
    values = np.array(values, np.float32)
    order = np.argsort(key(values), kind="stable")
    assert (np.diff(values[order]) >= 0).all()
    np.testing.assert_array_equal(number(key(values)).view(np.uint32), values.view(np.uint32))


@given(arrays(np.float32, st.integers(1, 50), elements=few), st.integers(0, 60))
def test_distinct_counts_or_gives_up(weights, limit):
    values, counts = np.unique(weights[weights != 0], return_counts=True)
    result = distinct(weights, limit)
    assert (result is None) == (values.size > limit)
    if result:
        np.testing.assert_array_equal(result[0], values)
        np.testing.assert_array_equal(result[1], counts)


def test_distinct_adds_up_over_chunks():
    weights = np.random.default_rng(0).integers(-9, 9, 3 * kmeans_points.CHUNK + 5).astype(np.float32)
    values, counts = distinct(weights, 1000)
    np.testing.assert_array_equal(values, [v for v in range(-9, 9) if v])
    np.testing.assert_array_equal(counts, [np.count_nonzero(weights == v) for v in values])


@pytest.mark.parametrize("kind", KINDS)
def test_points_are_the_weights(kind):
    weights = large(kind)
    points = bucketed(weights)
    rest = weights[weights != 0].astype(np.float64)
    assert points.counts.sum() == rest.size
    assert points.counts @ points.values == pytest.approx(rest.sum(), rel=1e-9, abs=1e-6)
    assert (np.diff(points.values) > 0).all()
    assert (points.counts[~points.exact] <= max(1, rest.size >> 12)).all(), "no bucket is heavy"
    exact, counts = np.unique(rest, return_counts=True)
    at = np.searchsorted(exact, points.values[points.exact])
    np.testing.assert_array_equal(exact[at], points.values[points.exact])
    np.testing.assert_array_equal(counts[at], points.counts[points.exact])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [15, 255])
def test_a_fixed_point_of_lloyd_no_worse_than_lloyd(kind, k):
    weights = large(kind)
    values, counts = np.unique(weights[weights != 0].astype(np.float64), return_counts=True)
    result = optimal_of_many(weights, k, 1000)
    begin = starts(values, result)
    means = np.add.reduceat(values * counts, begin) / np.add.reduceat(counts, begin)
    np.testing.assert_allclose(result, means, rtol=1e-9, atol=1e-12)
    least = inertia(values, counts, result)
    for init in ("linear", "density"):
        assert least <= inertia(values, counts, kmeans(values, counts, k, init=init, max_iter=300)) * (1 + 1e-9)
    # The optimum of every single value, for comparison: merging to levels loses next to nothing.
    assert least <= inertia(values, counts, kmeans(values, counts, k)) * (1 + 1e-4)
    np.testing.assert_array_equal(result, optimal_of_many(weights, k, 1000))


@settings(max_examples=30)
@given(st.integers(0, 99), st.integers(1, 255), st.sampled_from((0, 1)))
def test_nearest_is_nearest_with_and_without_compiled_code(seed, k, base):
    random = np.random.default_rng(seed)
    weights = np.where(random.random(3000) < 0.3, 0, random.standard_normal(3000)).astype(np.float32)
    centroids = np.unique(np.where(random.random(k) < 0.5, random.standard_normal(k), random.choice(weights, k)))
    codes = nearest(weights, centroids, base)
    halves = centroids[:-1] + np.diff(centroids) / 2
    expected = np.searchsorted(halves, weights.astype(np.float64), side="right") + base
    np.testing.assert_array_equal(codes, np.where((weights == 0) & (base == 1), 0, expected))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kmeans_points, "CHUNK", 0)
        np.testing.assert_array_equal(codes, nearest(weights, centroids, base))


@given(st.lists(floats, min_size=2, max_size=20, unique=True))
def test_thresholds_split_float32_as_the_halves_do(values):
    centroids = np.sort(np.array(values, np.float64))
    halves, limits = centroids[:-1] + np.diff(centroids) / 2, thresholds(centroids)
    assert limits.dtype == np.float32
    assert (limits >= halves).all()
    assert (np.nextafter(limits, np.float32(-np.inf)).astype(np.float64) < halves).all()


@pytest.mark.parametrize("kind", KINDS)
def test_large_layers_get_sound_codebooks(kind):
    weights = large(kind, 300_000).reshape(300, 1000)
    book = cluster(weights, 4)
    assert book.codes.dtype == np.uint8
    assert book.codes.flags.c_contiguous
    assert (book.codes == 0).sum() == (weights == 0).sum() or not (weights == 0).any()
    assert set(np.unique(book.codes)) | {0} == set(range(book.values.size))
    distance = np.abs(weights[:20, :, None].astype(np.float64) - book.values[int((weights == 0).any()) :])
    chosen = np.abs(weights[:20].astype(np.float64) - book.weights()[:20])
    live = weights[:20] != 0
    assert (chosen[live] <= distance.min(-1)[live] * (1 + 1e-6) + 1e-7).all()
