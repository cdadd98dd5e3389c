"""Weights that are quantised and dequantised inside the model, as Brevitas (QCDQ) and others write them, are folded."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import model, node, onnxruntime_run, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops import interpret

RNG = np.random.default_rng(4)


def qcdq(opset: int, channels: bool, dtype: type[np.generic], bits: int, offset: int) -> onnx.ModelProto:
    """x times a weight that goes through QuantizeLinear, Clip to `bits` bits and DequantizeLinear."""
    weight = RNG.standard_normal((5, 4)).astype(np.float32)
    scale = np.abs(weight).max(axis=1) / 2 ** (bits - 1) if channels else np.float32(np.abs(weight).max() / 6)
    signed = np.iinfo(dtype).min < 0
    low = -(2 ** (bits - 1)) if signed else 0
    zero = np.full(5 if channels else (), offset, dtype)
    weights = {
        "w": weight, "scale": np.asarray(scale, np.float32), "zero": zero,
        "low": np.asarray(low, dtype), "high": np.asarray(low + 2**bits - 1, dtype),
    }  # fmt: skip
    along = {"axis": 0} if channels else {}
    nodes = [
        node("QuantizeLinear", ["w", "scale", "zero"], "q", **along),
        node("Clip", ["q", "low", "high"], "c"),
        node("DequantizeLinear", ["c", "scale", "zero"], "d", **along),
        node("Gemm", ["x", "d"], "y", transB=1),
    ]
    return model(nodes, ["n", 4], weights=weights, opset=opset)


@pytest.mark.parametrize("opset", [13, 18, 19, 21])
@pytest.mark.parametrize("channels", [False, True])
@pytest.mark.parametrize(("dtype", "bits", "offset"), [(np.int8, 4, 0), (np.int8, 8, -3), (np.uint8, 3, 4)])
def test_qcdq_of_weights(
    tmp_path: Path, opset: int, channels: bool, dtype: type[np.generic], bits: int, offset: int
) -> None:
    path = save(qcdq(opset, channels, dtype, bits, offset), tmp_path / "m.onnx")
    graph = frontend.load(path)
    assert [each.op for each in graph.nodes] == ["Gemm"]
    weight = graph.constants[graph.nodes[0].inputs[1]]
    assert all(len(np.unique(row)) <= 2**bits for row in weight)
    x = RNG.standard_normal((6, 4)).astype(np.float32)
    np.testing.assert_allclose(interpret.run(graph, x), onnxruntime_run(path, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("op", ["QuantizeLinear", "DequantizeLinear"])
def test_blocks_are_bounded(tmp_path: Path, op: str) -> None:
    """A block of 2**40 does not repeat a scale 2**40 times."""
    values = np.ones((4, 4), np.float32 if op == "QuantizeLinear" else np.int8)
    nodes = [node(op, ["w", "scale"], "q", "big", block_size=2**40), node("Add", ["x", "q"], "y")]
    proto = model(nodes, ["n", 4], weights={"w": values, "scale": np.ones((1, 4), np.float32)}, opset=21)
    with pytest.raises(EmccError, match=f"node 'big': computes a constant of {20 * 2**40} elements"):
        frontend.load(save(proto, tmp_path / "m.onnx"))
