"""Random image networks mean to emcc, as loaded, folded and exported, what they mean to onnxruntime."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_meanings import Case, in_floats
from random_images import images

pytest.importorskip("onnxruntime")


@given(images(), st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_agrees_with_onnxruntime(case: Case, seed: int) -> None:
    in_floats(case, seed)
