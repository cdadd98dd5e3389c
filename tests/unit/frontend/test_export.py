"""Graph -> ONNX, before and after folding: onnxruntime gives what the model gave."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import model, node, onnxruntime_run, save

from emcc import frontend
from emcc.frontend.export import export
from emcc.ir.graph import Affine
from emcc.ops import host, interpret
from emcc.passes.fold import Fold

pytest.importorskip("onnxruntime")

RNG = np.random.default_rng(0)
WEIGHTS = {
    "k": RNG.standard_normal((4, 2, 3, 3)).astype(np.float32),
    "v": (RNG.random(4) + 0.5).astype(np.float32),
    "w": RNG.standard_normal((6, 16)).astype(np.float32),
    "low": np.float32(-0.5),
    "high": np.float32(6.0),
    "axes": np.int64([1]),
    "shape": np.int64([0, -1]),
}
IMAGES = [
    node("Identity", ["x"], "i"),
    node("Conv", ["i", "k"], "c", "conv"),
    node("BatchNormalization", ["c", "v", "v", "v", "v"], "b"),
    node("Clip", ["b", "low", "high"], "l"),
    node("Dropout", ["l"], "d"),
    node("Sigmoid", ["d"], "s"),
    node("Add", ["l", "s"], "a"),
    node("Cast", ["a"], "t", to=onnx.TensorProto.FLOAT),
    node("MaxPool", ["t"], "m", kernel_shape=[2, 2], strides=[2, 2]),
    node("Unsqueeze", ["m", "axes"], "u"),
    node("Squeeze", ["u", "axes"], "q"),
    node("Reshape", ["q", "shape"], "r"),
    node("Gemm", ["r", "w"], "g", "fc", transB=1),
    node("LeakyRelu", ["g"], "n", alpha=0.25),
    node("Softmax", ["n"], "p"),
    node("Transpose", ["p"], "y", perm=[0, 1]),
]


@pytest.mark.parametrize("fold", [False, True])
def test_means_the_same(fold: bool, tmp_path: Path) -> None:
    """No-ops too, of which a folded graph has none; a Transpose that moves nothing may follow what the host runs."""
    path = save(model(IMAGES, ["n", 2, 6, 6], weights=WEIGHTS), tmp_path / "m.onnx")
    graph = frontend.load(path)
    graph = Fold().apply(graph) if fold else graph
    again = tmp_path / "again.onnx"
    again.write_bytes(export(graph, ("y",)))
    x = RNG.standard_normal((3, 2, 6, 6)).astype(np.float32)
    truth = onnxruntime_run(path, x)
    np.testing.assert_allclose(onnxruntime_run(again, x), truth, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(host.apply(graph.host, interpret.run(graph, x)), truth, rtol=1e-4, atol=1e-5)


def test_scales_of_the_host_are_operators_of_the_model(tmp_path: Path) -> None:
    """At both ends; the input is an image, which the Gemm flattens. Folding takes them in again."""
    nodes = [node("Flatten", ["x"], "f", axis=1), node("Gemm", ["f", "w"], "y", "fc", transB=1)]
    path = save(model(nodes, ["n", 2, 8], ["n", 6], weights={"w": WEIGHTS["w"]}), tmp_path / "m.onnx")
    graph = Fold().apply(frontend.load(path))
    ends = {"x": Affine(RNG.uniform(0.5, 2, 16), np.array([3.0])), "y": Affine(np.array([0.1]), RNG.normal(size=6))}
    graph = graph.with_(affines=ends)
    again = tmp_path / "again.onnx"
    again.write_bytes(export(graph))
    x = RNG.standard_normal((3, 2, 8)).astype(np.float32)
    truth = ((x.reshape(3, 16) - 3) * ends["x"].scale) @ WEIGHTS["w"].T * 0.1 + ends["y"].offset
    np.testing.assert_allclose(onnxruntime_run(again, x), truth, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(interpret.run(graph, x), truth, rtol=1e-4, atol=1e-5)
    folded = Fold().apply(frontend.load(again))
    np.testing.assert_allclose(interpret.run(folded, x), truth, rtol=1e-4, atol=1e-5)
