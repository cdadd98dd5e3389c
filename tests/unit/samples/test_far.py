"""Samples far outside all others are found, named and left out; what is only rare or long-tailed is not."""

import numpy as np
import pytest

from emcc.samples.dataset import Dataset
from emcc.samples.far import far, warning, without


def noise(rows: int = 400, features: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, features)).astype(np.float32)


@pytest.mark.parametrize("value", [1e30, -1e30, 5e3])
def test_a_glitch_is_named(value: float) -> None:
    x = noise().reshape(400, 2, 3)
    x[7, 1, 0] = value
    [found] = far(x)
    assert (found.sample, found.feature) == (7, 3)
    assert found.value == np.float32(value)
    assert f"sample 7, whose feature 3 is {found.value:.6g}" in warning([found], 400)
    left = without(Dataset(x, np.arange(400)), [found])
    assert left.y is not None
    assert 7 not in left.y
    assert len(left) == len(left.y) == 399


def test_a_glitch_in_small_units_or_in_a_rare_place_is_found() -> None:
    """Not calibrated rows alone: 20,000 samples, of which 4,096 are looked at for what is usual."""
    x = noise(20_000) * np.float32([1e6, 1e-6, 1, 1, 1, 1]) + np.float32([0, 0, 0, 0, 0, 300])
    x[12_345, 1] = 3.0
    x[777, 5] = 1e9
    assert [(each.sample, each.feature) for each in far(x)] == [(777, 5), (12345, 1)]


def test_tails_rare_events_and_many_are_no_glitch() -> None:
    rng = np.random.default_rng(1)
    x = noise()
    x[:, 0] = np.exp(rng.standard_normal(400) * 1.5)
    x[:, 1] = 0
    x[3, 1] = 1
    x[:, 2] = 7
    x[:, 3] = np.where(rng.random(400) < 0.02, 1 / 256, 0)
    x[9, 3] = 1
    assert far(x) == []
    x[:10, 4] = 1e30
    assert far(x) == [], "ten of 400 are no glitch"
    assert far(noise(8)) == far(np.zeros((400, 3), np.float32)) == []
