"""Concat of constants beside computed tensors: at either end, between them, for any number of samples."""

from pathlib import Path

import numpy as np
import pytest
from models import model, node, onnxruntime_run, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops.interpret import trace
from emcc.passes.fold import Fold

C = np.random.default_rng(1).normal(size=(1, 2, 3)).astype(np.float32)
PARTS = {"x": "x", "c": "c", "e": "wide"}
"""Short names: the input, a constant of one sample, a constant that is expanded to the samples there are."""


@pytest.mark.parametrize("order", ["cx", "xc", "ex", "xe", "xcx", "cxexc", "ccx"])
@pytest.mark.parametrize("batch", ["n", 1])
def test_as_onnxruntime(order: str, batch: str | int, tmp_path: Path) -> None:
    """A constant of one sample is one for all only where there is one sample."""
    if batch == "n" and "c" in order:
        order = order.replace("c", "e")
    nodes = [
        node("Shape", ["x"], "shape"),
        node("Gather", ["shape", "first"], "samples"),
        node("Concat", ["samples", "rest"], "size", axis=0),
        node("Expand", ["c", "size"], "wide"),
        node("Concat", [PARTS[part] for part in order], "y", axis=1),
    ]
    weights = {"c": C, "first": np.array([0]), "rest": np.array([2, 3])}
    proto = model(nodes, [batch, 4, 3], weights=weights)
    x = np.random.default_rng(2).normal(size=(1 if batch == 1 else 3, 4, 3)).astype(np.float32)
    wanted = onnxruntime_run(proto, x)
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    for made in (graph, Fold().apply(graph)):
        got = trace(made, x.astype(np.float64), keep=made.outputs)[made.outputs[0]]
        np.testing.assert_array_equal(np.asarray(got, np.float32), wanted)


@pytest.mark.parametrize(
    ("constant", "text"),
    [
        (np.arange(12, dtype=np.float32).reshape(2, 2, 3), "not the same for all samples"),
        (np.ones((1, 2, 4), np.float32), "joins tensors of"),
        (np.ones((1, 6), np.float32), "joins tensors of"),
    ],
)
def test_refused(constant: np.ndarray, text: str, tmp_path: Path) -> None:
    proto = model([node("Concat", ["x", "c"], "y", axis=1)], ["n", 4, 3], weights={"c": constant})
    with pytest.raises(EmccError, match=text):
        frontend.load(save(proto, tmp_path / "m.onnx"))
