"""ConvTranspose against onnxruntime: one and two axes, groups, strides, dilations, and every way of giving pads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import model, node, onnxruntime_run, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops.interpret import trace

SPECIAL: list[tuple[list[int], list[int], dict[str, Any]]] = [
    ([5], [3], {"strides": [2], "pads": [1, 1], "output_padding": [1]}),
    ([4, 3], [2, 2], {"strides": [2, 2]}),
    ([4, 3], [4, 4], {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ([4, 3], [5, 3], {"strides": [3, 2], "pads": [4, 2, 3, 0]}),
    ([4, 3], [3, 3], {"dilations": [2, 1], "pads": [1, 0, 2, 2]}),
    ([4, 3], [3, 3], {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ([4, 3], [3, 3], {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    ([4, 3], [3, 3], {"strides": [2, 2], "auto_pad": "VALID"}),
    ([4, 3], [3, 3], {"strides": [2, 2], "output_shape": [8, 7]}),
    ([4, 3], [3, 3], {"strides": [2, 2], "output_shape": [10, 6], "auto_pad": "SAME_UPPER"}),
    ([1, 1], [1, 1], {"strides": [3, 3], "pads": [0, 0, 0, 0]}),
    ([6, 5], [2, 3], {"strides": [4, 4], "pads": [5, 4, 3, 2]}),
]


@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.parametrize("case", range(len(SPECIAL)))
def test_as_onnxruntime(tmp_path: Path, case: int, group: int) -> None:
    sizes, kernel, attrs = SPECIAL[case]
    rng = np.random.default_rng(case)
    weights = {
        "k": rng.normal(size=(2 * group, 3, *kernel)).astype(np.float32),
        "b": rng.normal(size=3 * group).astype(np.float32),
    }
    inputs = ["x", "k", "b"] if case % 2 else ["x", "k"]
    proto = model([node("ConvTranspose", inputs, "y", group=group, **attrs)], ["n", 2 * group, *sizes], weights=weights)
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    x = rng.normal(size=(3, 2 * group, *sizes)).astype(np.float32)
    got = trace(graph, x.astype(np.float64), keep=graph.outputs)["y"]
    wanted = onnxruntime_run(proto, x)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
    assert not any(n.op == "Slice" for n in graph.nodes) or attrs.keys() & {"pads", "auto_pad", "output_shape"}


@pytest.mark.parametrize(
    ("attrs", "text"),
    [
        ({"strides": [2, 2], "dilations": [2, 2]}, "dilated by"),
        ({"pads": [3, 3, 3, 3]}, "it makes a map of"),
        ({"strides": [4, 4], "auto_pad": "SAME_UPPER"}, "two readings"),
        ({"strides": [1 << 30, 1 << 30]}, "makes"),
        ({"group": 3}, "3 groups"),
        ({"kernel_shape": [2, 3]}, "kernel_shape"),
    ],
)
def test_refused(tmp_path: Path, attrs: dict[str, Any], text: str) -> None:
    weights = {"k": np.ones((2, 3, 3, 3), np.float32)}
    path = save(
        model([node("ConvTranspose", ["x", "k"], "y", **attrs)], ["n", 2, 4, 3], weights=weights), tmp_path / "m"
    )
    with pytest.raises(EmccError, match=text):
        frontend.load(path)
