"""How much a compressed model is like its original: by class, or by the variance that it explains."""

import numpy as np
import pytest
from graphs import folded

from emcc.measure.quality import agreement, stored
from emcc.samples.dataset import Dataset


def test_agreement_is_the_share_of_equal_classes() -> None:
    assert agreement(np.array([1, 2, 3, 0]), np.array([1, 2, 0, 0])) == 0.75
    assert agreement(None, np.array([1])) is None
    assert agreement(np.array([1]), None) is None


@pytest.mark.parametrize(("weight", "explained"), [(2.0, 1.0), (0.0, 0.0), (1.0, 0.75)])
def test_outputs_that_are_no_classes_are_explained(weight: float, explained: float) -> None:
    original, held = (folded((1, 1), weights=[np.array([[w]])], biases=[np.zeros(1)]) for w in (2.0, weight))
    quality = stored(original, held, Dataset(np.float32([[-3], [-1], [1], [3]])))
    assert (quality["classes"], quality["accuracy"], quality["samples"]) == (False, None, 4)
    assert quality["agreement"] == pytest.approx(explained)


def test_classes_agree_and_are_right() -> None:
    original, held = (folded((2, 2), weights=[np.diag(w)], biases=[np.zeros(2)]) for w in ([1.0, 1.0], [1.0, 3.0]))
    data = Dataset(np.float32([[2, 1], [1, 2], [4, 1], [3, 2]]), np.array([1, 1, 0, 1]))
    quality = stored(original, held, data)
    assert (quality["accuracy_before"], quality["accuracy"], quality["agreement"]) == (0.5, 1.0, 0.5)
