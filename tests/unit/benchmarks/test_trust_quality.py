"""What benchmarks/trust.py measures: quality, what was lost, and intervals that hold the truth as often as they say."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from benchmarks.common.trust.quality import accuracies, classified, explained


def outputs(classes: np.ndarray) -> np.ndarray:
    return np.eye(3)[classes]


def pairs(both: int, lost: int, won: int, neither: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return outputs before and after and labels, with so many samples of each kind."""
    before = np.repeat([1, 1, 0, 0], [both, lost, won, neither])
    after = np.repeat([1, 0, 1, 0], [both, lost, won, neither])
    return outputs(before), outputs(after), np.ones(len(before), np.int64)


def test_classes_are_the_largest_output_or_one_above_a_half() -> None:
    assert classified(np.array([[0.2, 0.5, 0.3], [3.0, -1.0, 2.0]])).tolist() == [1, 0]
    assert classified(np.array([[0.4], [0.6]])).tolist() == [0, 1]


def test_accuracy_is_lost_sample_by_sample() -> None:
    paired = accuracies(*pairs(80, 12, 4, 4))
    assert (paired.before, paired.after) == (92, 84)
    assert paired.loss == 8
    assert paired.low < paired.least < 8 < paired.high


def test_the_interval_is_agrestis_on_his_table() -> None:
    # Approval of a prime minister, twice asked (Agresti, Categorical Data Analysis, 10.1): 0.04, (0.020, 0.060).
    paired = accuracies(*pairs(794, 150, 86, 570))
    assert paired.loss == pytest.approx(4.0)
    assert paired.low == pytest.approx(2.1, abs=0.1)
    assert paired.high == pytest.approx(5.9, abs=0.1)


def test_no_change_is_not_a_proof() -> None:
    few, many = accuracies(*pairs(20, 0, 0, 0)), accuracies(*pairs(2000, 0, 0, 0))
    assert few.loss == many.loss == 0
    assert few.high == pytest.approx(-few.low)
    assert few.interval > 15
    assert many.interval < 0.2


@pytest.mark.parametrize(("samples", "most"), [(60, 3), (228, 5), (719, 11)])
def test_what_breaks_a_promise_of_a_point_is_what_the_page_says(samples: int, most: int) -> None:
    assert accuracies(*pairs(samples - most, most, 0, 0)).least <= 1
    assert accuracies(*pairs(samples - most - 1, most + 1, 0, 0)).least > 1


def test_a_gain_is_a_loss_turned_round() -> None:
    before, after, labels = pairs(50, 9, 2, 9)
    lost, won = accuracies(before, after, labels), accuracies(after, before, labels)
    assert won.loss == -lost.loss
    assert won.low == pytest.approx(-lost.high)
    assert won.high == pytest.approx(-lost.low)


def test_lost_classes_are_seldom_called_lost_where_the_loss_is_the_limit() -> None:
    rng = np.random.default_rng(5)
    above = sum(accuracies(*pairs(*rng.multinomial(300, [0.80, 0.06, 0.04, 0.10]))).least > 2 for _ in range(1000))
    assert 25 <= above <= 80


def regression(n: int, rng: np.random.Generator, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    targets = rng.normal(size=(n, 2)) * [1.0, 1e4]
    before = targets + rng.normal(size=(n, 2)) * [0.3, 0.3e4]
    return before, before + rng.normal(size=(n, 2)) * [noise, 0.0], targets


def test_variance_is_explained_an_output_at_a_time() -> None:
    rng = np.random.default_rng(0)
    before, after, targets = regression(20_000, rng, 0.2)
    mean, first, second = explained(before, after, targets)
    assert first.before == pytest.approx(91, abs=0.3)
    assert first.loss == pytest.approx(4, abs=0.3)
    assert second.loss == 0
    assert mean.loss == pytest.approx(first.loss / 2)
    constant = np.zeros_like(targets) + targets.mean(axis=0)
    whole = explained(constant, targets, targets)[0]
    assert (whole.before, whole.after) == pytest.approx((0, 100))


def test_lost_variance_is_seldom_called_lost_where_the_loss_is_the_limit() -> None:
    rng = np.random.default_rng(1)
    truth = 100 * 0.1**2
    above = sum(explained(*regression(150, rng, 0.1))[1].least > truth for _ in range(1000))
    held = sum(
        paired.low <= truth <= paired.high for paired in (explained(*regression(150, rng, 0.1))[1] for _ in range(1000))
    )
    assert 20 <= above <= 80
    assert 920 <= held <= 975


def test_one_sample_says_nothing_and_what_is_no_number_is_no_gain() -> None:
    one = explained(np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1)))[0]
    assert one.interval == math.inf
    targets = np.arange(4.0)[:, None]
    assert math.isnan(explained(targets, np.full((4, 1), np.nan), targets)[0].loss)
