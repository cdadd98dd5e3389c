"""The real convolutional networks mean to emcc, as loaded and as folded, what they mean to onnxruntime."""

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

pytestmark = pytest.mark.shared
MODELS = {
    "lenet5_dns_original": "Conv MaxPool Conv MaxPool Linear Relu Linear",
    "lenet5_dns_sparse": "Conv MaxPool Conv MaxPool Linear Relu Linear",
    "mnist-8/model": "Conv Relu MaxPool Conv Relu MaxPool Linear",
    "cnn_max_mninst2": "Transpose Conv Relu Conv Relu MaxPool Linear Relu Linear",
    "cifar_base_kw": "Conv Relu Conv Relu Linear Relu Linear",
    "squeezenet_deep_compression": "Conv Relu MaxPool "
    + ("Conv Relu Conv Relu Conv Relu Concat " * 3 + "MaxPool ")
    + ("Conv Relu Conv Relu Conv Relu Concat " * 4 + "MaxPool ")
    + ("Conv Relu Conv Relu Conv Relu Concat Conv Relu GlobalAveragePool"),
}


@pytest.mark.parametrize("name", MODELS)
def test_agrees_with_onnxruntime(shared_data: Path, name: str) -> None:
    torch = pytest.importorskip("torch")
    path = shared_data / "models" / f"{name}.onnx"
    graph = frontend.load(path)
    folded = Fold().apply(graph)
    verify(graph, after="frontend")
    verify(folded, after="fold")
    assert [node.op for node in folded.nodes] == MODELS[name].split()
    assert not folded.host
    rows = 1 if name.startswith("squeezenet") else 5
    x = np.random.default_rng(0).random((rows, *graph.tensors[graph.inputs[0]].shape[1:]), dtype=np.float32)
    x = (x - 0.5) * 200 if name.startswith("squeezenet") else x
    truth = np.concatenate([onnxruntime_run(path, row[None]) for row in x])
    scale = float(np.abs(truth).max())
    results = [interpret.run(either, x) for either in (graph, folded)]
    results.append(interpret.run(folded, torch.as_tensor(x), torch).numpy())
    for result in results:
        np.testing.assert_allclose(result, truth, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("name", ["lenet5_dns_sparse", "squeezenet_deep_compression"])
def test_weights_keep_their_bits(shared_data: Path, name: str) -> None:
    """Nothing scales the weights of these models, so that folding may not touch them."""
    path = shared_data / "models" / f"{name}.onnx"
    folded = Fold().apply(frontend.load(path))
    stored = {tensor.name: decode(tensor, path) for tensor in onnx.load(path).graph.initializer}
    for node in folded.layers():
        weight, bias = (folded.constants[name] for name in node.inputs[1:])
        assert weight.tobytes() == stored[node.inputs[1]].tobytes()
        np.testing.assert_array_equal(bias, stored[node.inputs[2]])


@pytest.mark.parametrize("number", range(3))
def test_vectors_that_came_with_the_model(shared_data: Path, number: int) -> None:
    folder = shared_data / "models" / "mnist-8"
    values = []
    for kind in ("input", "output"):
        tensor = onnx.TensorProto()
        tensor.ParseFromString((folder / f"test_data_set_{number}" / f"{kind}_0.pb").read_bytes())
        values.append(onnx.numpy_helper.to_array(tensor))
    x, truth = values
    graph = frontend.load(folder / "model.onnx")
    for either in (graph, Fold().apply(graph)):
        result = interpret.run(either, x)
        assert result.argmax() == truth.argmax()
        np.testing.assert_allclose(result, truth, rtol=1e-4, atol=1e-2)
