"""How good a compressed model is: by class, or by the variance that it explains, an output at a time."""

import numpy as np
import pytest
from graphs import folded

from emcc.measure.quality import Quality, decoded
from emcc.samples.dataset import Dataset
from emcc.samples.split import split


def facts(original, held, data):
    return Quality(original, split(data, 0.0, 0)).facts(decoded(held))


@pytest.mark.parametrize(("weight", "explained"), [(2.0, 100.0), (0.0, 0.0), (1.0, 75.0), (-2.0, -300.0)])
def test_outputs_that_are_no_classes_are_explained(weight: float, explained: float) -> None:
    original, held = (folded((1, 1), weights=[np.array([[w]])], biases=[np.zeros(1)]) for w in (2.0, weight))
    quality = facts(original, held, Dataset(np.float32([[-3], [-1], [1], [3]])))
    assert (quality["measure"], quality["samples"], quality["labels"]) == ("explained variance", 4, False)
    assert quality["compressed"] == pytest.approx(explained)


def test_classes_agree_and_are_right() -> None:
    original, held = (folded((2, 2), weights=[np.diag(w)], biases=[np.zeros(2)]) for w in ([1.0, 1.0], [1.0, 3.0]))
    data = Dataset(np.float32([[2, 1], [1, 2], [4, 1], [3, 2]]), np.array([1, 1, 0, 1]))
    quality = facts(original, held, data)
    assert (quality["float"], quality["compressed"], quality["agreement"]) == (50.0, 100.0, 50.0)
    assert quality["lost"] == -50.0


def test_the_worst_output_is_told_beside_the_mean() -> None:
    """One output is a hundred times the other: its variance does not hide the ruin of the small one."""
    original = folded((2, 2), weights=[np.diag([100.0, 1.0])], biases=[np.zeros(2)])
    held = folded((2, 2), weights=[np.diag([100.0, 0.0])], biases=[np.zeros(2)])
    x = np.random.default_rng(0).standard_normal((50, 2)).astype(np.float32)
    quality = facts(original, held, Dataset(x))
    assert quality["worst"] == pytest.approx(0, abs=5)
    assert quality["compressed"] == pytest.approx(50, abs=3)
    assert quality["lost"] > 95
