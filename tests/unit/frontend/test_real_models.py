"""The real multi-layer perceptrons mean to emcc, as loaded and as folded, what they mean to onnxruntime."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import onnxruntime_run

from emcc import frontend
from emcc.frontend.tensors import decode
from emcc.legal.verify import verify
from emcc.ops import interpret
from emcc.passes.fold import Fold

MODELS = {
    "lenet300100_dns_original": (784, 300, 100, 10),
    "lenet300100_dns_sparse": (784, 300, 100, 10),
    "ACASXU_experimental_v2a_1_1": (5, 50, 50, 50, 50, 50, 50, 5),
    "ACASXU_experimental_v2a_3_3": (5, 50, 50, 50, 50, 50, 50, 5),
    "mnist2x5_sigmoid": (784, 5, 5, 10),
    "mnist5x20_leaky_relu": (784, 20, 20, 20, 20, 20, 20, 10),
}


@pytest.mark.shared
@pytest.mark.parametrize("name", MODELS)
def test_agrees_with_onnxruntime(shared_data: Path, name: str) -> None:
    path = shared_data / "models" / f"{name}.onnx"
    graph = frontend.load(path)
    folded = Fold().apply(graph)
    verify(graph, after="frontend")
    verify(folded, after="fold")
    sizes = [folded.constants[node.inputs[1]].shape for node in folded.layers()]
    assert sizes == list(zip(MODELS[name][1:], MODELS[name], strict=False))
    assert folded.tensors[folded.inputs[0]] == graph.tensors[graph.inputs[0]]
    x = np.random.default_rng(0).random((20, *graph.tensors[graph.inputs[0]].shape[1:]), dtype=np.float32)
    fixed = name.startswith("ACAS")
    truth = np.concatenate([onnxruntime_run(path, row[None]) for row in x]) if fixed else onnxruntime_run(path, x)
    for either in (graph, folded):
        np.testing.assert_allclose(interpret.run(either, x), truth, rtol=1e-4, atol=1e-4)


@pytest.mark.shared
@pytest.mark.parametrize("name", MODELS)
def test_weights_keep_their_bits(shared_data: Path, name: str) -> None:
    """Nothing scales the weights of these models, so that folding may not touch them."""
    path = shared_data / "models" / f"{name}.onnx"
    folded = Fold().apply(frontend.load(path))
    stored = {tensor.name: decode(tensor, path) for tensor in onnx.load(path).graph.initializer}
    for node in folded.layers():
        weight = folded.constants[node.inputs[1]]
        original = stored[node.inputs[1]]
        original = original if original.shape == weight.shape and "MatMul" not in node.name else original.T
        assert weight.tobytes() == np.ascontiguousarray(original).tobytes()
