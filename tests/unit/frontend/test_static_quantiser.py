"""What onnxruntime's own quantiser writes, with any options: taken, kept in integers, as near to the float model."""

import logging
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import model, node, onnxruntime_run, save
from quantised_files import answers, as_written, compiled

from emcc import frontend
from emcc.ir.graph import Array
from emcc.ops import interpret

quantization = pytest.importorskip("onnxruntime.quantization", reason="onnxruntime's quantiser is not installed")


class Samples(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Data to calibrate with."""

    def __init__(self, x: Array) -> None:
        self.parts = iter([{"x": x}])

    def get_next(self) -> dict[str, Array] | None:
        """The next batch."""
        return next(self.parts, None)


def network(rng: np.random.Generator, draw: Any) -> tuple[onnx.ModelProto, tuple[int, ...]]:
    """A perceptron, or convolutions with ReLUs, clips, sigmoids, sums, a pool; perhaps a Softmax."""
    weights: dict[str, Array] = {"low": np.float32(0), "high": np.float32(6)}
    nodes: list[onnx.NodeProto] = []

    def add(op: str, inputs: list[str], **attrs: Any) -> str:
        nodes.append(node(op, inputs, f"t{len(nodes)}", **attrs))
        return f"t{len(nodes) - 1}"

    def constant(values: Array) -> str:
        weights[f"c{len(weights)}"] = values.astype(np.float32)
        return f"c{len(weights) - 1}"

    images = draw(st.booleans())
    shape = (draw(st.integers(1, 3)), 6, 6) if images else (draw(st.integers(3, 10)),)
    x, channels = "x", shape[0]
    for _ in range(draw(st.integers(1, 3)) if images else 0):
        apart = x != "x" and draw(st.integers(0, 3)) == 0
        out = channels if apart else draw(st.integers(2, 5))
        spread = np.exp(rng.standard_normal((out, 1, 1, 1))) / 3
        weight = rng.standard_normal((out, 1 if apart else channels, 3, 3)) * spread
        inputs = [x, constant(weight), constant(rng.standard_normal(out))]
        stride = draw(st.integers(1, 2))
        made = add("Conv", inputs, pads=[1, 1, 1, 1], group=channels if apart else 1, strides=[stride, stride])
        x, channels = made, out
        function = draw(st.sampled_from(["", "Relu", "Clip", "Sigmoid"]))
        x = add(function, [x, *(["low", "high"] if function == "Clip" else [])]) if function else x
        x = add("Add", [x, made]) if function and draw(st.booleans()) else x
    if images:
        x = add("Flatten", [add("GlobalAveragePool", [x])], axis=1)
    out = draw(st.integers(2, 4))
    weight = rng.standard_normal((out, channels)) / np.sqrt(channels)
    x = add("Gemm", [x, constant(weight), constant(rng.standard_normal(out))], transB=1)
    if draw(st.booleans()):
        add("Softmax", [x], axis=1)
    return model(nodes, ["n", *shape], ["n", out], weights), shape


@settings(max_examples=40)
@given(st.data())
def test_any_quantised_network(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    logging.getLogger().setLevel(logging.ERROR)
    folder = tmp_path_factory.mktemp("quantiser")
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    proto, shape = network(rng, data.draw)
    x = rng.standard_normal((48, *shape)).astype(np.float32)
    kinds = quantization.QuantType
    weights = data.draw(st.sampled_from([kinds.QInt8, kinds.QUInt8]))
    acts = kinds.QUInt8 if weights == kinds.QUInt8 else data.draw(st.sampled_from([kinds.QInt8, kinds.QUInt8]))
    flags = ("ActivationSymmetric", "WeightSymmetric", "AddQDQPairToWeight", "DedicatedQDQPair")
    quantization.quantize_static(
        save(proto, folder / "float.onnx"),
        folder / "m.onnx",
        Samples(x),
        quant_format=data.draw(st.sampled_from([quantization.QuantFormat.QDQ, quantization.QuantFormat.QOperator])),
        per_channel=data.draw(st.booleans()),
        weight_type=weights,
        activation_type=acts,
        extra_options={flag: data.draw(st.booleans()) for flag in flags},
    )
    graph = frontend.load(folder / "m.onnx")
    wanted, exact = as_written(onnx.load(folder / "m.onnx"), x), onnxruntime_run(proto, x)
    scale = np.abs(wanted).max()
    assert np.abs(np.asarray(interpret.run(graph, x.astype(float))) - wanted).max() <= scale / 20
    shared, program = compiled(graph)
    assert all(book.scale is not None for book in shared.codebooks.values())
    assert all(book.code_w <= 8 or weights == kinds.QUInt8 for book in shared.codebooks.values())
    spread, off = exact.std() + 1e-9, np.abs(wanted - exact).mean()
    assert np.abs(answers(program, x) - exact).mean() <= 1.5 * off + 0.01 * spread
    assert np.abs(answers(compiled(graph, 8)[1], x) - exact).mean() <= 6 * off + 0.05 * spread
    ordered = np.sort(wanted, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > scale / 10
    assert not clear.any() or (answers(program, x).argmax(1) == wanted.argmax(1))[clear].mean() >= 0.95
