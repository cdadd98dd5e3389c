"""Doubts: what looks wrong with data and a model, and which classes the one figure hides."""

import numpy as np
import pytest
from graphs import folded

from emcc.samples import doubts
from emcc.samples.dataset import Dataset
from emcc.samples.judge import judge

GRAPH = folded([6, 4])
N = 400
RNG = np.random.default_rng(0)
X = np.zeros((N, 6), np.float32)
Y = RNG.integers(0, 4, N)


def scores(classes):
    return np.eye(4)[classes]


def said(outputs, y):
    judged = judge(GRAPH, outputs, Dataset(X[: len(y)], y))
    return doubts.of_model(judged, judged.score(outputs))


def test_a_model_that_knows_something_is_not_doubted():
    right = np.where(RNG.random(N) < 0.5, Y, (Y + 1) % 4)
    assert said(scores(right), Y) == []
    assert said(scores(Y)[:30], Y[:30]) == []
    values = RNG.standard_normal((N, 4)).astype(np.float32)
    assert said(values + 0.5, values) == []


@pytest.mark.parametrize("kind", ["chance", "one class", "numbered from 1"])
def test_a_classifier_that_guesses(kind):
    wrong = {"chance": RNG.permutation(Y), "one class": np.zeros(N, int), "numbered from 1": (Y + 1) % 4}[kind]
    (sentence,) = said(scores(wrong), Y)
    assert "no better than guessing among 4 classes: is x as in training" in sentence


def test_a_rare_class_that_is_found_is_no_guessing():
    y = (np.arange(N) % 100 == 0).astype(int)
    found = np.where(RNG.random(N) < 0.3, 1 - y, y)
    found[y == 1] = 1
    assert np.mean(found == y) < np.mean(y == 0)
    assert said(scores(found), y) == []
    assert "no better than guessing among 2 classes" in said(scores(0 * y), y)[0]


def test_targets_in_other_units():
    y = RNG.standard_normal((N, 4)).astype(np.float32)
    outputs = y.astype(float).copy()
    outputs[:, 2] = 1000 * y[:, 2]
    (sentence,) = said(outputs, y)
    assert "% of the targets' variance of output 2, less than nothing: is x as" in sentence


def test_without_labels_or_with_few_samples_nothing_is_doubted():
    outputs = scores(RNG.permutation(Y))
    judged = judge(GRAPH, outputs, Dataset(X), task="classify")
    assert doubts.of_model(judged, judged.score(outputs)) == []
    assert said(outputs[:10], Y[:10]) == []


def test_a_class_that_is_lost_is_named():
    y = (np.arange(N) % 20 == 0).astype(int)
    judged = judge(GRAPH, scores(y), Dataset(X, y))
    before = judged.score(scores(y))

    def missed(count):
        after = y.copy()
        after[np.flatnonzero(y)[:count]] = 0
        return doubts.of_classes(judged, before, judged.score(scores(after)))

    assert missed(0) == missed(1) == []
    (sentence,) = missed(10)
    assert sentence.startswith(
        "class 1, 5.0 % of the samples that decide, is found in 50.0 % of its samples, before in"
    )


def test_no_class_is_named_where_all_are_lost():
    y = np.arange(N) % 4
    judged = judge(GRAPH, scores(y), Dataset(X, y))
    assert doubts.of_classes(judged, judged.score(scores(y)), judged.score(scores(0 * y))) == []


def test_unread_arrays():
    assert doubts.of_data(None) == doubts.of_data(Dataset(X)) == []
    (sentence,) = doubts.of_data(Dataset(X, None, ("labels",)))
    assert sentence.startswith("the data has no y, and labels beside x, which is not read: call labels or targets y")
