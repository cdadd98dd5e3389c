"""Random image networks mean to emcc, as loaded, folded and exported, what they mean to onnxruntime."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import save
from random_images import images

from emcc import frontend
from emcc.frontend.export import export
from emcc.legal.verify import verify
from emcc.ops import host, interpret
from emcc.passes.fold import Fold

ort = pytest.importorskip("onnxruntime")


def ran(proto: bytes, feeds: dict[str, np.ndarray]) -> np.ndarray:
    """What onnxruntime makes of all outputs, side by side."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(proto, options, providers=["CPUExecutionProvider"])
    used = {value.name for value in session.get_inputs()}
    results = session.run(None, {name: value for name, value in feeds.items() if name in used})
    return np.concatenate([value.reshape(len(value), -1) for value in results], axis=1)


@given(images(), st.integers(0, 2**32 - 1))
@settings(max_examples=150)
def test_agrees_with_onnxruntime(drawn: tuple[onnx.ModelProto, dict[str, tuple[int, ...]]], seed: int) -> None:
    proto, shapes = drawn
    rng = np.random.default_rng(seed)
    feeds = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    truth = ran(proto.SerializeToString(), feeds)
    with tempfile.TemporaryDirectory() as folder:
        graph = frontend.load(save(proto, Path(folder) / "m.onnx"))
    verify(graph, after="frontend")
    folded = Fold().apply(graph)
    verify(folded, after="fold")
    x = np.concatenate([feeds[name].reshape(2, -1) for name in graph.inputs], axis=1).astype(np.float64)
    scale = max(1.0, float(np.abs(truth).max()))
    plain = interpret.run(graph, x).reshape(2, -1)
    np.testing.assert_allclose(plain, truth, rtol=1e-3, atol=1e-4 * scale)
    after = host.apply(folded.host, interpret.run(folded, x)).reshape(2, -1)
    np.testing.assert_allclose(after, plain, rtol=1e-3, atol=1e-5 * scale)
    np.testing.assert_allclose(ran(export(folded), feeds), truth, rtol=1e-3, atol=1e-4 * scale)
