"""Scores chunk by chunk are the scores; shares and thresholds pick exactly what sorting would."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emcc.compress.importance import ranking as worth
from emcc.compress.importance.choice import smallest
from emcc.compress.importance.ranking import SCORES, Ranking, all_of, shares, threshold, without_smallest

values = st.one_of(st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5]), st.floats(-(2.0**60), 2.0**60, width=32))
layers = st.lists(arrays(np.float32, st.integers(1, 40), elements=values), min_size=1, max_size=4)


def direct(score, weights):
    """The scores by their formulas, ascending; -1 for zeros."""
    ranked = np.sort(np.abs(weights)).astype(np.float64)
    part = ranked / (ranked[-1] or 1)
    squares = np.square(part)
    tail = np.cumsum(squares[::-1])[::-1]
    by_name = {
        "magnitude": ranked,
        "scaled": part / (np.sqrt(squares.mean()) or 1),
        "lamp": np.divide(squares, tail, out=np.zeros_like(tail), where=tail > 0),
    }
    return np.where(ranked == 0, -1.0, by_name[score])


@pytest.fixture(autouse=True, scope="module")
def small_chunks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worth, "CHUNK", 6)
        yield


@given(layers, st.sampled_from(("lamp", "magnitude")), st.floats(0, 1))
def test_shares_are_those_of_the_scores_of_all_together(result, score, part):
    count = round(part * sum(item.size for item in result))
    mask = smallest(np.concatenate([direct(score, item) for item in result]), count)
    pieces = np.split(mask, np.cumsum([item.size for item in result])[:-1])
    rankings = [Ranking.of(item, SCORES[score]) for item in result]
    assert shares(rankings, count) == [int(piece.sum()) for piece in pieces]


@given(arrays(np.float32, st.integers(1, 40), elements=values), st.sampled_from(sorted(SCORES)))
def test_scores_by_chunks_are_the_scores(weights, score):
    ranked = np.sort(np.abs(weights))
    chunks = SCORES[score](ranked)
    result = np.concatenate([chunks(i) for i in range(worth.chunks_of(ranked.size))])
    wanted = direct(score, weights)
    np.testing.assert_allclose(result[ranked > 0], wanted[ranked > 0], rtol=1e-14 if score == "scaled" else 0)
    assert (np.diff(result) >= 0).all()
    if score == "lamp":
        np.testing.assert_array_equal(all_of(ranked, SCORES["lamp"]), result)
        assert result[-1] == (1 if ranked[-1] else 0)


@given(arrays(np.float32, st.integers(1, 60), elements=values), st.integers(0, 60))
def test_a_threshold_is_that_of_sorting(weights, count):
    count = min(count, weights.size)
    limit, ties = threshold(weights, count)
    assert (limit, ties) == Ranking.of(weights, SCORES["magnitude"]).cut(count)
    pruned = without_smallest(weights, limit, ties)
    gone = smallest(np.abs(weights), count)
    np.testing.assert_array_equal(pruned.view(np.uint32), (np.where(gone, 0, weights) + np.float32(0)).view(np.uint32))
