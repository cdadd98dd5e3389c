"""The check against onnxruntime can fail, and passes on what is right."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from models import mlp, model, node, save
from onnx import TensorProto, numpy_helper

from emcc.base.errors import EmccError
from emcc.frontend import load
from emcc.frontend.ort_worker import PLAIN
from emcc.measure import truth

pytest.importorskip("onnxruntime")


def samples(count: int = 20) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((count, 6)).astype(np.float32)


@pytest.mark.parametrize("batch", ["n", 1, 8])
def test_right_imports_pass(batch: str | int, tmp_path: Path) -> None:
    path = save(mlp((6, 9, 4), "LeakyRelu", batch=batch), tmp_path / "m.onnx")
    assert truth.check(load(path), path, samples()) == "agrees with onnxruntime on 20 samples"


def test_arg_max_is_compared_exactly(tmp_path: Path) -> None:
    path = save(mlp((6, 9, 4), tail="ArgMax"), tmp_path / "m.onnx")
    assert truth.check(load(path), path, samples()) == "same classes as onnxruntime on 20 samples"
    graph = load(path)
    turned = graph.with_constants({"fc1.bias": graph.constants["fc1.bias"][::-1] * 100})
    with pytest.raises(EmccError, match="disagrees with onnxruntime on"):
        truth.check(turned, path, samples())


def test_a_wrong_weight_is_found(tmp_path: Path) -> None:
    path = save(mlp((6, 9, 4)), tmp_path / "m.onnx")
    graph = load(path)
    weight = graph.constants["fc0.weight"].copy()
    weight[3, 2] += 0.1
    with pytest.raises(EmccError, match="disagrees with onnxruntime by"):
        truth.check(graph.with_constants({"fc0.weight": weight}), path, samples())


def test_nan_is_not_agreement(tmp_path: Path) -> None:
    path = save(mlp((6, 9, 4)), tmp_path / "m.onnx")
    graph = load(path)
    bias = np.full_like(graph.constants["fc1.bias"], np.nan)
    with pytest.raises(EmccError, match="disagrees"):
        truth.check(graph.with_constants({"fc1.bias": bias}), path, samples())


def test_what_onnxruntime_refuses_is_said(tmp_path: Path) -> None:
    proto = mlp((6, 9, 4))
    proto.ir_version = 99
    path = save(proto, tmp_path / "m.onnx")
    assert truth.check(load(path), path, samples()).startswith(
        "not checked against onnxruntime, which cannot run the model: "
    )


def half(**options: Any) -> onnx.ModelProto:
    """A perceptron whose input, weights and output are float16."""
    proto = mlp((6, 9, 4), **options)
    for tensor in proto.graph.initializer:
        value = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    for value in (*proto.graph.input, *proto.graph.output):
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.FLOAT16
    return proto


@pytest.mark.parametrize("batch", ["n", 8])
def test_half_precision_is_checked_in_half_precision(tmp_path: Path, batch: str | int) -> None:
    path = save(half(batch=batch), tmp_path / "m.onnx")
    x = samples() * np.float32(1 + 2**-20)
    graph = load(path)
    assert truth.check(graph, path, x) == "agrees with onnxruntime on 20 samples, in float16 to within 1.6 %"
    weight = graph.constants["fc0.weight"].copy()
    weight[3, 2] += 1
    with pytest.raises(EmccError, match="disagrees with onnxruntime by"):
        truth.check(graph.with_constants({"fc0.weight": weight}), path, x)


def test_half_precision_inside_a_float_model(tmp_path: Path) -> None:
    """Casts at either end, as float16 converters write them to keep the types of inputs and outputs."""
    weight = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float16)
    nodes = [
        node("Cast", ["x"], "h", to=TensorProto.FLOAT16),
        node("MatMul", ["h", "w"], "m"),
        node("Cast", ["m"], "y", to=TensorProto.FLOAT),
    ]
    path = save(model(nodes, ["n", 6], weights={"w": weight}), tmp_path / "m.onnx")
    assert truth.check(load(path), path, samples()).endswith(", in float16 to within 1.6 %")


def test_classes_of_half_precision(tmp_path: Path) -> None:
    path = save(half(tail="ArgMax"), tmp_path / "m.onnx")
    assert truth.check(load(path), path, samples()) == "same classes as onnxruntime on 20 samples, in float16"


def test_what_is_quantised_anew_for_every_batch(tmp_path: Path) -> None:
    """DynamicQuantizeLinear, which onnxruntime's quantiser writes: emcc's floats differ from its 8 bits by these."""
    rng = np.random.default_rng(3)
    weights = {"w": rng.integers(-60, 60, (6, 4)).astype(np.int8), "zero": np.int8(0), "unit": np.float32(0.02)}
    dynamic = onnx.helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"])
    nodes = [
        *(dynamic, node("MatMulInteger", ["q", "w", "z", "zero"], "i"), node("Cast", ["i"], "f", to=1)),
        *(node("Mul", ["s", "unit"], "u"), node("Mul", ["f", "u"], "y")),
    ]
    path = save(model(nodes, ["n", 6], weights=weights), tmp_path / "m.onnx")
    graph = load(path)
    assert truth.check(graph, path, samples()).startswith("agrees with onnxruntime on 20 samples, which rounds")
    (name,) = (name for name, value in graph.constants.items() if value.ndim == 2)
    with pytest.raises(EmccError, match="disagrees with onnxruntime by"):
        truth.check(graph.with_constants({name: graph.constants[name] * 1.1}), path, samples())


def test_samples_that_overflow_are_left_out(tmp_path: Path) -> None:
    """Those beyond 65504 at the input or behind it; two of twenty, then all."""
    path = save(half(), tmp_path / "m.onnx")
    x = samples()
    x[3, 1], x[7] = -1e6, 6e4
    assert truth.check(load(path), path, x).startswith("agrees with onnxruntime on 18 samples")
    wide = "not checked against onnxruntime: every sample overflows in float16"
    assert truth.check(load(path), path, x * 1e9) == wide


def test_what_the_optimiser_changes_is_held_against_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of onnxruntime 1.31 does with a Pad of zeros in front of a MaxPool."""
    path = save(mlp((6, 9, 4)), tmp_path / "m.onnx")
    own = truth._outputs

    def changed(*arguments: Any) -> Any:
        x, (wanted,) = own(*arguments)
        return x, [wanted if arguments[-1] == PLAIN else wanted + 1]

    monkeypatch.setattr(truth, "_outputs", changed)
    said = truth.check(load(path), path, samples())
    assert said == "agrees with onnxruntime on 20 samples without its optimiser, and not with it"


def test_no_number_is_what_both_make_of_it(tmp_path: Path) -> None:
    path = save(model([node("Log", ["x"], "y")], ["n", 6]), tmp_path / "m.onnx")
    assert truth.check(load(path), path, samples()) == "agrees with onnxruntime on 20 samples"


def test_a_sigmoid_of_nearly_nothing(tmp_path: Path) -> None:
    """onnxruntime's is off by more than all there is far below 0; a wrong bias is still found."""
    proto = mlp((6, 9, 4))
    proto.graph.node.append(node("Sigmoid", [proto.graph.output[0].name], "s"))
    proto.graph.output[0].name = "s"
    for tensor in proto.graph.initializer:
        if tensor.name == "fc1.bias":
            tensor.CopyFrom(numpy_helper.from_array(np.full(4, -14, np.float32), "fc1.bias"))
    path = save(proto, tmp_path / "m.onnx")
    graph = load(path)
    assert truth.check(graph, path, samples()) == "agrees with onnxruntime on 20 samples"
    with pytest.raises(EmccError, match="disagrees with onnxruntime by"):
        truth.check(graph.with_constants({"fc1.bias": np.full(4, -10, np.float32)}), path, samples())


def test_sums_of_bytes_are_whole_on_any_processor(tmp_path: Path) -> None:
    """Some processors cut sums of two products of bytes at 16 bits: onnxruntime's 255 * 127 + 255 * 127 is 32,767."""
    weights = {"w": np.full((8, 2), 127, np.int8), "scale": np.float32(1), "zero": np.uint8(0)}
    nodes = [
        node("QuantizeLinear", ["x", "scale", "zero"], "q"),
        node("MatMulInteger", ["q", "w"], "i"),
        node("Cast", ["i"], "y", to=1),
    ]
    path = save(model(nodes, ["n", 8], ["n", 2], weights, opset=13), tmp_path / "m.onnx")
    x = np.random.default_rng(0).integers(200, 256, (20, 8)).astype(np.float32)
    assert truth.check(load(path), path, x).startswith("agrees with onnxruntime on 20 samples")
