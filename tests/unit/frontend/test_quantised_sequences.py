"""What onnxruntime's quantisers write of sequences: Conv1D, rows by a matrix, and tensors whose batch lies behind."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from models import model, node, onnxruntime_run, save

import emcc
from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ir.graph import Array
from emcc.ops import host, interpret

quantization = pytest.importorskip("onnxruntime.quantization", reason="onnxruntime's quantiser is not installed")

RNG = np.random.default_rng(6)


def weight(*shape: int) -> Array:
    """Some weights."""
    return (RNG.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


WEIGHTS = {
    "conv": weight(6, 4, 3),
    "bias": weight(6),
    "apart": weight(6, 1, 3),
    "rows": weight(8, 5),
    "more": weight(5, 3),
    "head": weight(6 * 8, 3),
    "small": weight(24, 3),
    "w": weight(1, 9, 4),
    "r": weight(1, 9, 3),
    "gamma": np.abs(weight(8)) + 1,
    "mean": weight(8),
    "variance": np.abs(weight(8)) + 1,
}
MADE: dict[str, tuple[tuple[int, ...], list[onnx.NodeProto]]] = {
    "conv1d": (
        (4, 8),
        [
            node("Conv", ["x", "conv", "bias"], "c", pads=[1, 1]),
            node("Relu", ["c"], "a"),
            node("Conv", ["a", "apart"], "d", pads=[1, 1], group=6),
            node("Flatten", ["d"], "f"),
            node("MatMul", ["f", "head"], "y"),
        ],
    ),
    "pooled": (
        (4, 8),
        [
            node("Conv", ["x", "conv"], "c", pads=[1, 1]),
            node("AveragePool", ["c"], "p", kernel_shape=[2], strides=[2]),
            node("Flatten", ["p"], "f"),
            node("MatMul", ["f", "small"], "y"),
        ],
    ),
    "rows": (
        (7, 8),
        [
            node("MatMul", ["x", "rows"], "m"),
            node("Relu", ["m"], "a"),
            node("MatMul", ["a", "more"], "n"),
            node("ReduceMean", ["n"], "y", axes=[1], keepdims=0),
        ],
    ),
    "recurrent": (
        (7, 4),
        [
            node("MatMul", ["x", "square"], "m"),
            node("Relu", ["m"], "a"),
            node("Transpose", ["a"], "t", perm=[1, 0, 2]),
            onnx.helper.make_node("GRU", ["t", "w", "r"], ["", "h"], "gru", hidden_size=3),
            node("Squeeze", ["h", "first"], "s"),
            node("Relu", ["s"], "y"),
        ],
    ),
    "normalised": (
        (8,),
        [
            node("BatchNormalization", ["x", "gamma", "mean", "mean", "variance"], "b"),
            node("MatMul", ["b", "rows"], "m"),
            node("Mul", ["m", "m"], "y"),
        ],
    ),
    "padded": (
        (4, 8),
        [
            node("Conv", ["x", "conv"], "c"),
            node("Pad", ["c", "ends"], "p"),
            node("Pad", ["p", "ends"], "q", mode="edge"),
            node("Conv", ["q", "apart"], "d", group=6),
            node("Flatten", ["d"], "f"),
            node("MatMul", ["f", "head"], "y"),
        ],
    ),
    "doubled": (
        (4, 8, 1),
        [
            node("Conv", ["x", "point"], "c"),
            node("Resize", ["c", "", "sizes"], "z", mode="nearest"),
            node("MaxPool", ["z"], "p", kernel_shape=[2, 1], strides=[2, 1]),
            node("Flatten", ["p"], "f"),
            node("MatMul", ["f", "wide"], "y"),
        ],
    ),
}
WEIGHTS |= {
    "first": np.array([0]),
    "ends": np.array([0, 0, 1, 0, 0, 1]),
    "sizes": np.array([1, 1, 2, 1], np.float32),
    "wide": weight(32, 3),
    "point": weight(4, 4, 1, 1),
}
WEIGHTS |= {"square": weight(4, 4)}


class Samples(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Data to calibrate with."""

    def __init__(self, x: Array) -> None:
        self.parts = iter([{"x": sample[None]} for sample in x])

    def get_next(self) -> dict[str, Array] | None:
        """The next batch."""
        return next(self.parts, None)


def quantised(name: str, how: str, folder: Path, x: Array) -> Path:
    """The file that a quantiser writes."""
    shape, nodes = MADE[name]
    logging.getLogger().setLevel(logging.ERROR)
    plain = save(model(nodes, ["n", *shape], weights=WEIGHTS, opset=13), folder / "float.onnx")
    path, formats = folder / "m.onnx", quantization.QuantFormat
    if how == "dynamic":
        quantization.quantize_dynamic(plain, path)
        return path
    kind: Any = quantization.QuantType.QInt8 if how == "QDQ" else quantization.QuantType.QUInt8
    quantization.quantize_static(
        plain, path, Samples(x), quant_format=getattr(formats, how), activation_type=kind, per_channel=how == "QDQ"
    )
    return path


@pytest.mark.parametrize("how", ["dynamic", "QDQ", "QOperator"])
@pytest.mark.parametrize("name", MADE)
def test_as_near_to_the_float_model_as_the_file(tmp_path: Path, name: str, how: str) -> None:
    x = RNG.standard_normal((32, *MADE[name][0])).astype(np.float32)
    path = quantised(name, how, tmp_path, x)
    exact = np.concatenate([onnxruntime_run(tmp_path / "float.onnx", sample[None]) for sample in x])
    wanted = np.concatenate([onnxruntime_run(path, sample[None]) for sample in x])
    graph = frontend.load(path)
    got = np.asarray(host.apply(graph.host, interpret.run(graph, x.astype(float)))).reshape(wanted.shape)
    assert np.abs(got - exact).max() <= 1.5 * np.abs(wanted - exact).max() + 0.01 * np.ptp(exact)
    made = emcc.compile(path, data=x, pes=2, keep_weights=True, recipe={"calibrate": {"bits": 16}})
    kept = np.asarray(made.predict(x), np.float64).reshape(wanted.shape)
    assert np.abs(kept - exact).max() <= 1.5 * np.abs(wanted - exact).max() + 0.02 * np.ptp(exact)


@pytest.mark.parametrize(("value", "zero"), [(None, 7), (3, 7), (7, 7), (None, 0)])
def test_integers_are_padded_with_the_one_that_stands_for_0(tmp_path: Path, value: int | None, zero: int) -> None:
    """Other ones would be numbers of the array's own beside a tensor."""
    weights: dict[str, Array] = {"s": np.array(0.1, np.float32), "z": np.array(zero, np.uint8), "ends": WEIGHTS["ends"]}
    weights |= {} if value is None else {"v": np.array(value, np.uint8)}
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], "q"),
        node("Pad", ["q", "ends", *(["v"] if value is not None else [])], "p", "it"),
        node("DequantizeLinear", ["p", "s", "z"], "y"),
    ]
    path = save(model(nodes, ["n", 4, 8], weights=weights, opset=13), tmp_path / "m.onnx")
    if (value or 0) != zero:
        with pytest.raises(EmccError, match=rf"node 'it': pads integers with \[{value or 0}\]"):
            frontend.load(path)
        return
    x = RNG.standard_normal((3, 4, 8)).astype(np.float32)
    got = np.asarray(interpret.run(frontend.load(path), x.astype(float))).reshape(3, 4, 10)
    np.testing.assert_array_equal(got[:, :, [0, -1]], 0)


def test_an_interpolation_of_integers_is_refused(tmp_path: Path) -> None:
    """It is none of them."""
    weights = {"s": np.float32(0.1), "z": np.uint8(7), "sizes": WEIGHTS["sizes"]}
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], "q"),
        node("Resize", ["q", "", "sizes"], "r", "it", mode="linear"),
        node("DequantizeLinear", ["r", "s", "z"], "y"),
    ]
    with pytest.raises(EmccError, match="input 0 holds uint8, not floats"):
        frontend.load(save(model(nodes, ["n", 4, 8, 1], weights=weights, opset=13), tmp_path / "m.onnx"))


def test_the_class_of_integers(tmp_path: Path) -> None:
    """As a quantiser leaves an ArgMax: the largest integer is the largest float."""
    weights = {"s": np.array(0.03, np.float32), "z": np.array(7, np.int8)}
    nodes = [
        node("MatMul", ["x", "more"], "m"),
        node("QuantizeLinear", ["m", "s", "z"], "q"),
        node("ArgMax", ["q"], "y", axis=1, keepdims=0),
    ]
    proto = model(nodes, ["n", 5], weights={**weights, "more": WEIGHTS["more"]}, opset=13, output_type=7)
    path = save(proto, tmp_path / "m.onnx")
    x = RNG.standard_normal((40, 5)).astype(np.float32)
    made = emcc.compile(path, data=x, pes=2, keep_weights=True, recipe={"calibrate": {"bits": 16}})
    scores = np.sort(x @ WEIGHTS["more"], axis=1)
    clear = scores[:, -1] - scores[:, -2] > 0.06
    np.testing.assert_array_equal(np.ravel(made.predict(x))[clear], np.ravel(onnxruntime_run(path, x))[clear])
    assert clear.sum() > 25
    nodes[1] = node("QuantizeLinear", ["m", "three", "z3"], "q", axis=1)
    weights = {"three": np.float32([0.1, 0.2, 0.1]), "z3": np.zeros(3, np.int8), "more": WEIGHTS["more"]}
    with pytest.raises(EmccError, match="of no one scale"):
        frontend.load(save(model(nodes, ["n", 5], weights=weights, opset=13, output_type=7), tmp_path / "n.onnx"))
