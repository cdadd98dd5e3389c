"""Convolutions, pools and joins that emcc must refuse: each message is held to the letter."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import model, node, onnxruntime_run, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops import interpret

K = np.ones((2, 2, 3, 3), np.float32)
WEIGHTS = {
    "k": K,
    "line": K[..., 0],
    "none": K[:0],
    "b": np.ones(3, np.float32),
    "nan": np.full(2, np.nan, np.float32),
    "low": np.float32(1),
    "high": np.float32(-1),
    "bound": np.float32("nan"),
}


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (node("Conv", ["x", "line"], "y"), "its weight has 3 axes, not 4 (Conv)"),
        (node("Conv", ["x", "none"], "y"), "input 1 ('none') is [0, 2, 3, 3]: it has no elements (Conv)"),
        (node("Conv", ["x", "x"], "y"), "input 1 ('x') is computed from the model's input (Conv)"),
        (node("Conv", ["k", "x"], "y"), "its first input is constant, another computed (Conv)"),
        (node("Conv", ["x", "k"], "y", kernel_shape=[3, 2]), "kernel_shape is [3, 2], the weight's is [3, 3] (Conv)"),
        (
            node("Conv", ["x", "k"], "y", group=2),
            "its shapes do not fit: x (None, 2, 6, 5), weight (2, 2, 3, 3), group 2",
        ),
        (node("Conv", ["x", "k", "b"], "y"), "its shapes do not fit: weight (2, 2, 3, 3), bias (3,) (Conv)"),
        (node("Conv", ["x", "k", "nan"], "y"), "'nan' holds nan at [0] (Conv)"),
        (node("Conv", ["x", "k"], "y", dilations=[3, 1]), "its shapes do not fit: a window of 7 x 3 does not fit x"),
        (
            node("Conv", ["x", "k"], "y", strides=[0, 1]),
            "strides [0, 1], dilations [1, 1], pads [0, 0, 0, 0] make no windows (Conv)",
        ),
        (node("Conv", ["x", "k"], "y", strides=[1]), "strides [1], dilations [1, 1], pads [0, 0, 0, 0] do not fit"),
        (
            node("Conv", ["x", "k"], "y", pads=[-1, 0, 0, 0]),
            "strides [1, 1], dilations [1, 1], pads [-1, 0, 0, 0] make",
        ),
        (node("Conv", ["x", "k"], "y", auto_pad="SOME"), "auto_pad is 'SOME' (Conv)"),
        (
            node("Conv", ["x", "k"], "y", auto_pad="VALID", pads=[1, 1, 1, 1]),
            "has pads [1, 1, 1, 1] and auto_pad 'VALID' (Conv)",
        ),
        (node("Conv", ["x", "k"], "y", pads=[2**30, 0, 0, 0]), "makes 6442450968 elements a sample (Conv)"),
        (node("MaxPool", ["x"], "y", kernel_shape=[2]), "kernel_shape is [2] (MaxPool)"),
        (node("MaxPool", ["x"], "y"), "has no attribute 'kernel_shape' (MaxPool)"),
        (
            node("MaxPool", ["x"], "y", kernel_shape=[2, 2], pads=[0, 2, 0, 0]),
            "pads [0, 2, 0, 0] are as wide as the window [2, 2] (MaxPool)",
        ),
        (
            node("MaxPool", ["x"], "y", kernel_shape=[2, 2], strides=[2, 2], auto_pad="VALID", ceil_mode=1),
            "ceil_mode with auto_pad 'VALID' has two readings (MaxPool)",
        ),
        (node("AveragePool", ["x"], "y", kernel_shape=[7, 1]), "its shapes do not fit: a window of 7 x 1 does not fit"),
        (node("Concat", ["x", "x"], "y", axis=0), "Concat joins samples along the batch axis (Concat)"),
        (
            node("Concat", ["x", "k"], "y", axis=1),
            "joins a constant (input 1) of [2, 2, 3, 3], which is not the same for all samples (Concat)",
        ),
        (node("Clip", ["x", "low", "high"], "y"), "clips to no less than 1.0 and no more than -1.0 (Clip)"),
        (node("Clip", ["x", "bound"], "y"), "its bound 'min' is NaN (Clip)"),
    ],
)
def test_nodes_that_are_refused(tmp_path: Path, wrong: onnx.NodeProto, text: str) -> None:
    used = {name: value for name, value in WEIGHTS.items() if name in wrong.input}
    path = save(model([wrong], ["n", 2, 6, 5], weights=used), tmp_path / "m.onnx")
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    error = str(caught.value).replace(f"{tmp_path}/", "")
    assert error.startswith(f"m.onnx: node {wrong.name!r}: {text}"), error
    assert "\n  hint: " in error


def test_three_spatial_axes(tmp_path: Path) -> None:
    for axes in (3, 4):
        weights = {"k": np.ones((2, 2, *(1,) * axes), np.float32)}
        proto = model([node("Conv", ["x", "k"], "y", "conv")], ["n", 2, *(4,) * axes], weights=weights)
        with pytest.raises(EmccError, match=f"node 'conv': Conv over samples of {axes + 1} axes"):
            frontend.load(save(proto, tmp_path / "m.onnx"))


def test_the_indices_of_a_pool(tmp_path: Path) -> None:
    pool = onnx.helper.make_node("MaxPool", ["x"], ["p", "i"], name="pool", kernel_shape=[2, 2])
    path = save(model([pool, node("Relu", ["i"], "y")], ["n", 2, 4, 4]), tmp_path / "m.onnx")
    with pytest.raises(EmccError, match="node 'pool': its output 'i' is used"):
        frontend.load(path)


def test_softmax_in_a_branch(tmp_path: Path) -> None:
    nodes = [node("Softmax", ["x"], "p", axis=1), node("Concat", ["x", "p"], "y", "join", axis=1)]
    path = save(model(nodes, ["n", 2, 4, 4]), tmp_path / "m.onnx")
    x = np.random.default_rng(0).standard_normal((3, 2, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(interpret.run(frontend.load(path), x), onnxruntime_run(path, x), rtol=1e-5)
    assert all(report.supported and not report.reason for report in frontend.survey(path))


@pytest.mark.parametrize("opset", [10, 17])
@pytest.mark.parametrize(
    ("bounds", "op"), [((0.0, None), "Relu"), ((0.0, 6.0), "Clip"), ((None, 0.5), "Clip"), ((None, None), "Clip")]
)
def test_clip(tmp_path: Path, opset: int, bounds: tuple[float | None, float | None], op: str) -> None:
    """Bounds from attributes or inputs; from 0 upwards it is a Relu, which the array has."""
    given = {name: value for name, value in zip(("min", "max"), bounds, strict=True) if value is not None}
    weights = {name: np.float32(value) for name, value in given.items()} if opset >= 11 else {}
    inputs = ["x", *(name if name in weights else "" for name in ("min", "max"))]
    clip = node("Clip", inputs, "y", **({} if opset >= 11 else given))
    if opset < 11:
        del clip.input[1:]
    proto = model([clip], ["n", 5], weights=weights, opset=opset)
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    assert graph.nodes[0].op == op
    x = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32) * 5
    np.testing.assert_array_equal(interpret.run(graph, x), onnxruntime_run(proto, x))
