"""Random models mean to emcc, as loaded and as folded, what they mean to onnxruntime."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import onnxruntime_run, save
from random_chains import chains

from emcc import frontend
from emcc.legal.verify import verify
from emcc.ops import host, interpret
from emcc.passes.fold import Fold

pytest.importorskip("onnxruntime")
RUNTIME_OPSETS = tuple(range(7, 23))


def agree(proto: onnx.ModelProto, x: np.ndarray, truth: np.ndarray, path: Path) -> None:
    """The loaded and the folded graph compute `truth` for `x`."""
    graph = frontend.load(save(proto, path))
    verify(graph, after="frontend")
    folded = Fold().apply(graph)
    verify(folded, after="fold")
    scale = max(1.0, float(np.abs(truth).max()))
    for result in (interpret.run(graph, x), host.apply(folded.host, interpret.run(folded, x))):
        assert result.shape == truth.shape
        np.testing.assert_allclose(result, truth, rtol=1e-3, atol=1e-4 * scale)
    double = x.astype(np.float64)
    np.testing.assert_allclose(
        host.apply(folded.host, interpret.run(folded, double)),
        interpret.run(graph, double),
        rtol=1e-3,
        atol=1e-5 * scale,
    )


@given(chains(RUNTIME_OPSETS), st.integers(0, 2**32 - 1))
@settings(max_examples=150)
def test_agrees_with_onnxruntime(drawn: tuple[onnx.ModelProto, tuple[int, ...]], seed: int) -> None:
    proto, shape = drawn
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        agree(proto, x, onnxruntime_run(proto, x), Path(folder) / "m.onnx")


@given(chains(tuple(range(23, onnx.defs.onnx_opset_version() + 1))), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_newest_opsets_agree_with_onnx_reference(drawn: tuple[onnx.ModelProto, tuple[int, ...]], seed: int) -> None:
    from onnx.reference import ReferenceEvaluator

    proto, shape = drawn
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    truth = ReferenceEvaluator(proto).run(None, {"x": x})[0]
    with tempfile.TemporaryDirectory() as folder:
        agree(proto, x, truth, Path(folder) / "m.onnx")
