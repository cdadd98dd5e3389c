"""Small ONNX models for tests: each function returns a ModelProto (ir_version 10, which every onnxruntime reads).

Write one to a file with `save(model, tmp_path / "m.onnx")`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str | None]


def save(model: onnx.ModelProto, path: Path) -> Path:
    """Writes the model; returns the path."""
    path.write_bytes(model.SerializeToString())
    return path


def model(
    nodes: Sequence[onnx.NodeProto],
    input_shape: Shape,
    output_shape: Shape | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
    *,
    opset: int = 17,
    ir_version: int = 10,
    name: str = "test",
    x: str = "x",
    y: str | None = None,
    output_type: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model with one float input `x`; its output is `y`, or the last node's first output."""
    graph = helper.make_graph(
        list(nodes),
        name,
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info(y or nodes[-1].output[0], output_type, output_shape)],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in (weights or {}).items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    proto.ir_version = ir_version
    return proto


def node(op: str, inputs: Sequence[str], output: str, name: str | None = None, **attrs: Any) -> onnx.NodeProto:
    """One node with one output; it is called `name`, or after its output."""
    return helper.make_node(op, list(inputs), [output], name=output + "_node" if name is None else name, **attrs)


def random_weight(rng: np.random.Generator, n_out: int, n_in: int, density: float = 1.0) -> np.ndarray:
    """float32 [n_out, n_in], normal with variance 2 / (kept inputs); about `density` of the entries are not zero."""
    weight = rng.standard_normal((n_out, n_in)) * np.sqrt(2 / max(1.0, n_in * density))
    return (weight * (rng.random((n_out, n_in)) < density)).astype(np.float32)


def mlp(
    sizes: Sequence[int],
    activations: Sequence[str | None] | str = "Relu",
    seed: int = 0,
    *,
    density: float = 1.0,
    input_shape: Shape | None = None,
    batch: int | str | None = "n",
    style: str = "gemm",
    tail: str | None = None,
    alpha: float = 0.1,
    opset: int = 17,
    name: str = "mlp",
) -> onnx.ModelProto:
    """A multi-layer perceptron with random weights, input "x".

    Args:
        sizes: features, from the input to the output.
        activations: one a layer (None: no activation), or one for all but the last layer, which then has none.
        seed: of the weights and biases.
        density: share of weights that are not zero.
        input_shape: per-sample shape of the input, default (sizes[0],); a Flatten node is put in front where it is
            not flat.
        batch: the batch axis: a number, a name or None.
        style: "gemm" (weights "fc0.weight" [out, in], transB=1) or "matmul" (weights [in, out], then Add).
        tail: an operator after the last layer: "Softmax", "LogSoftmax", "ArgMax".
        alpha: of LeakyRelu.
        opset: of the default domain.
        name: the graph's name.
    """
    rng = np.random.default_rng(seed)
    count = len(sizes) - 1
    functions = [activations] * (count - 1) + [None] if isinstance(activations, str) else list(activations)
    shape = list(input_shape) if input_shape is not None else [sizes[0]]
    nodes: list[onnx.NodeProto] = []
    weights: dict[str, np.ndarray] = {}
    last = "x"
    if len(shape) != 1:
        nodes.append(node("Flatten", [last], "flat", axis=1))
        last = "flat"
    for i, function in enumerate(functions):
        weight = random_weight(rng, sizes[i + 1], sizes[i], density)
        weights[f"fc{i}.bias"] = (rng.standard_normal(sizes[i + 1]) * 0.1).astype(np.float32)
        if style == "gemm":
            weights[f"fc{i}.weight"] = weight
            nodes.append(node("Gemm", [last, f"fc{i}.weight", f"fc{i}.bias"], f"z{i}", f"fc{i}", transB=1))
        else:
            weights[f"fc{i}.weight"] = np.ascontiguousarray(weight.T)
            nodes.append(node("MatMul", [last, f"fc{i}.weight"], f"m{i}", f"fc{i}"))
            nodes.append(node("Add", [f"m{i}", f"fc{i}.bias"], f"z{i}", f"fc{i}_bias"))
        last = f"z{i}"
        if function:
            attrs = {"alpha": alpha} if function == "LeakyRelu" else {}
            nodes.append(node(function, [last], f"a{i}", f"act{i}", **attrs))
            last = f"a{i}"
    output_shape: list[int | str | None] = [batch, sizes[-1]]
    output_type = TensorProto.FLOAT
    if tail:
        attrs = {"axis": 1, "keepdims": 0} if tail == "ArgMax" else {"axis": 1}
        nodes.append(node(tail, [last], "tail", tail.lower(), **attrs))
        if tail == "ArgMax":
            output_shape, output_type = [batch], TensorProto.INT64
    return model(nodes, [batch, *shape], output_shape, weights, opset=opset, name=name, output_type=output_type)


def onnxruntime_run(proto: onnx.ModelProto | Path, x: np.ndarray, outputs: Sequence[str] | None = None) -> np.ndarray:
    """The model's (first) output by onnxruntime, in float; x is float32 with its batch axis."""
    import onnxruntime

    source = str(proto) if isinstance(proto, Path) else proto.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.x64quantprecision", "1")  # else some processors cut sums of integers
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    result: np.ndarray = session.run(outputs, {session.get_inputs()[0].name: x})[0]
    return result
