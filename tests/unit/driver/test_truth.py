"""The check against onnxruntime can fail, and passes on what is right."""

from pathlib import Path

import numpy as np
import pytest
from models import mlp, save

from emcc.base.errors import EmccError
from emcc.frontend import load
from emcc.measure import truth

pytest.importorskip("onnxruntime")


def samples(count: int = 20) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((count, 6)).astype(np.float32)


@pytest.mark.parametrize("batch", ["n", 1, 8])
def test_right_imports_pass(batch: str | int, tmp_path: Path) -> None:
    path = save(mlp((6, 9, 4), "LeakyRelu", batch=batch), tmp_path / "m.onnx")
    assert truth.check(load(path), path, samples()) == "agrees with onnxruntime on 20 samples"


def test_arg_max_is_compared_exactly(tmp_path: Path) -> None:
    path = save(mlp((6, 9, 4), tail="ArgMax"), tmp_path / "m.onnx")
    assert truth.check(load(path), path, samples()) == "same classes as onnxruntime on 20 samples"
    graph = load(path)
    turned = graph.with_constants({"fc1.bias": graph.constants["fc1.bias"][::-1] * 100})
    with pytest.raises(EmccError, match="disagrees with onnxruntime on"):
        truth.check(turned, path, samples())


def test_a_wrong_weight_is_found(tmp_path: Path) -> None:
    path = save(mlp((6, 9, 4)), tmp_path / "m.onnx")
    graph = load(path)
    weight = graph.constants["fc0.weight"].copy()
    weight[3, 2] += 0.1
    with pytest.raises(EmccError, match="disagrees with onnxruntime by"):
        truth.check(graph.with_constants({"fc0.weight": weight}), path, samples())


def test_nan_is_not_agreement(tmp_path: Path) -> None:
    path = save(mlp((6, 9, 4)), tmp_path / "m.onnx")
    graph = load(path)
    bias = np.full_like(graph.constants["fc1.bias"], np.nan)
    with pytest.raises(EmccError, match="disagrees"):
        truth.check(graph.with_constants({"fc1.bias": bias}), path, samples())


def test_what_onnxruntime_refuses_is_said(tmp_path: Path) -> None:
    path = save(mlp((6, 9, 4)), tmp_path / "m.onnx")
    graph = load(path)
    path.write_bytes(b"not a model")
    assert truth.check(graph, path, samples()).startswith("not checked against onnxruntime, which cannot run the model")
