"""Prune, Share and Finetune on convolutional graphs: Conv weights are treated as those of Linear layers."""

from pathlib import Path

import numpy as np
import pytest
from graphs import passed
from models import model, node, onnxruntime_run, save

from emcc import frontend
from emcc.compress.finetune import Finetune, Gradual
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.ir.graph import Graph
from emcc.legal.verify import verify
from emcc.ops.interpret import run
from emcc.passes.fold import Fold
from emcc.passes.layers import linear_layers
from emcc.samples.dataset import Dataset


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """Two branches of convolutions, joined, pooled and classified."""
    rng = np.random.default_rng(0)
    shapes = {"k1": (6, 1, 3, 3), "k2": (4, 6, 1, 1), "k3": (4, 3, 3, 3), "w": (3, 8)}
    weights = {name: rng.standard_normal(shape).astype(np.float32) / 2 for name, shape in shapes.items()}
    nodes = [
        node("Conv", ["x", "k1"], "c1", "conv1", pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], "r1"),
        node("Conv", ["r1", "k2"], "c2", "conv2"),
        node("Conv", ["r1", "k3"], "c3", "conv3", group=2, auto_pad="SAME_UPPER"),
        node("Concat", ["c2", "c3"], "j", axis=1),
        node("MaxPool", ["j"], "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Relu", ["p"], "r2"),
        node("GlobalAveragePool", ["r2"], "g"),
        node("Flatten", ["g"], "f"),
        node("Gemm", ["f", "w"], "y", "fc", transB=1),
    ]
    proto = model(nodes, ["n", 1, 8, 8], weights=weights)
    return Fold().apply(frontend.load(save(proto, tmp_path / "m.onnx")))


def weights_of(graph: Graph) -> dict[str, np.ndarray]:
    return {layer.node.name: graph.constants[layer.weight] for layer in linear_layers(graph)}


def data(graph: Graph) -> Dataset:
    """Which half of the image is brighter."""
    x = np.random.default_rng(1).random((300, 1, 8, 8), dtype=np.float32)
    return Dataset(x, (x[..., :4].sum((1, 2, 3)) > x[..., 4:].sum((1, 2, 3))).astype(np.int64))


def test_layers_and_their_activations(graph: Graph) -> None:
    activations = {layer.node.name: layer.activation and layer.activation.op for layer in linear_layers(graph)}
    assert activations == {"conv1": "Relu", "conv2": None, "conv3": None, "fc": None}


def test_prune_removes_the_smallest_of_any_shape(graph: Graph) -> None:
    pruned = Prune(0.5, layers={"conv3": 0.75}).apply(graph)
    verify(pruned, after="prune")
    before, after = weights_of(graph), weights_of(pruned)
    assert np.count_nonzero(after["conv3"]) == 27
    rest = ("conv1", "conv2", "fc")
    assert sum(np.count_nonzero(after[name]) for name in rest) == sum(before[name].size for name in rest) // 2
    for name, weight in after.items():
        kept = weight != 0
        assert weight.shape == before[name].shape
        np.testing.assert_array_equal(weight[kept], before[name][kept])
        assert np.abs(before[name][~kept]).max() <= np.abs(before[name][kept]).min()


def test_share_gives_codes_in_the_shape_of_the_weight(graph: Graph) -> None:
    shared = Share(2).apply(Prune(0.3).apply(graph))
    verify(shared, after="share")
    for layer in linear_layers(shared):
        book = shared.codebooks[layer.weight]
        assert book.codes.shape == shared.constants[layer.weight].shape
        assert len(book.values) <= 4
        assert book.values[0] == 0
    exact = Share(0).apply(graph)
    for name, weight in weights_of(graph).items():
        np.testing.assert_array_equal(weights_of(exact)[name], weight)


def test_finetune_keeps_masks_and_codes(graph: Graph) -> None:
    pytest.importorskip("torch")
    labelled = data(graph)
    finetune = Finetune(epochs=2, shared_epochs=2, steps=2, learning_rate=0.01, data=labelled, teacher=graph)
    pruned = Gradual(Prune(0.5), finetune).apply(graph)
    verify(pruned, after="prune")
    kept, total = ([f(weight) for weight in weights_of(pruned).values()] for f in (np.count_nonzero, np.size))
    assert sum(kept) == sum(total) - (sum(total) + 1) // 2
    shared = Share(2).apply(pruned)
    tuned = passed(shared, finetune, after="share")
    for layer in linear_layers(tuned):
        zero = shared.constants[layer.weight] == 0
        np.testing.assert_array_equal(tuned.constants[layer.weight][zero], 0)
        assert len(np.unique(tuned.constants[layer.weight])) <= 4
    assert any((weights_of(tuned)[name] != weight).any() for name, weight in weights_of(shared).items())
    again = passed(shared, finetune, after="share")
    for name, weight in weights_of(again).items():
        assert weight.tobytes() == weights_of(tuned)[name].tobytes()


def test_many_samples_are_run_a_few_at_a_time(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(2).standard_normal((7, 1, 8, 8))
    whole = run(graph, x)
    monkeypatch.setattr("emcc.ops.interpret.BLOCK", 3 * 6 * 64)
    monkeypatch.setattr("emcc.ops.conv.BLOCK", 9 * 64 * 2)
    np.testing.assert_allclose(run(graph, x), whole, rtol=1e-12)


@pytest.mark.shared
def test_squeezenet_keeps_its_256_values_a_layer(shared_data: Path) -> None:
    path = shared_data / "models" / "squeezenet_deep_compression.onnx"
    folded = Fold().apply(frontend.load(path))
    shared = Share(bits=0).apply(folded)
    verify(shared, after="share")
    layers = list(linear_layers(shared))
    assert len(layers) == 26
    for layer in layers:
        weight = folded.constants[layer.weight]
        assert shared.constants[layer.weight].tobytes() == (weight + 0.0).tobytes()
        assert len(shared.codebooks[layer.weight].values) == len(np.unique(weight)) <= 256
    weights = [folded.constants[layer.weight] for layer in layers]
    kept = sum(np.count_nonzero(weight) for weight in weights) / sum(weight.size for weight in weights)
    assert kept == pytest.approx(0.334, abs=0.001)
    x = (np.random.default_rng(0).random((1, 3, 227, 227), dtype=np.float32) - 0.5) * 200
    np.testing.assert_allclose(run(shared, x), onnxruntime_run(path, x), rtol=1e-4, atol=1e-4)
