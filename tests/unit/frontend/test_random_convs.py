"""Random convolutional networks mean to emcc, as loaded and as folded, what they mean to onnxruntime."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import onnxruntime_run, save
from random_convs import convs

from emcc import frontend
from emcc.legal.verify import verify
from emcc.ops import host, interpret
from emcc.passes.fold import Fold

pytest.importorskip("onnxruntime")


@given(convs(tuple(range(7, 23))), st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_agrees_with_onnxruntime(drawn: tuple[onnx.ModelProto, tuple[int, ...]], seed: int) -> None:
    proto, shape = drawn
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    truth = onnxruntime_run(proto, x)
    with tempfile.TemporaryDirectory() as folder:
        graph = frontend.load(save(proto, Path(folder) / "m.onnx"))
    verify(graph, after="frontend")
    folded = Fold().apply(graph)
    verify(folded, after="fold")
    scale = max(1.0, float(np.abs(truth).max()))
    for result in (interpret.run(graph, x), host.apply(folded.host, interpret.run(folded, x))):
        assert result.shape == truth.shape
        np.testing.assert_allclose(result, truth, rtol=1e-3, atol=1e-4 * scale)
    double = x.astype(np.float64)
    exact = interpret.run(graph, double)
    np.testing.assert_allclose(
        host.apply(folded.host, interpret.run(folded, double)), exact, rtol=1e-3, atol=1e-5 * scale
    )
