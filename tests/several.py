"""A model of two inputs and two outputs: what the tests of several share."""

from pathlib import Path

import numpy as np
import onnx
from models import node
from onnx import TensorProto, helper, numpy_helper

NAMES = ("class", "place")


def weights(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = {"wa": (8, 5), "wb": (6, 2), "w": (12, 14), "wc": (3, 12), "wr": (2, 12)}
    made = {name: (rng.standard_normal(shape) / np.sqrt(shape[1])).astype(np.float32) for name, shape in shapes.items()}
    return {**made, "ba": rng.standard_normal(8).astype(np.float32), "bb": rng.standard_normal(6).astype(np.float32)}


def two(clipped: bool = False, seed: int = 0) -> onnx.ModelProto:
    """Of `a` [5] and `b` [2, 1], whose numbers are about 100, the outputs `class` (a Softmax of 3) and `place` [2].

    clipped: a Clip in the middle, which the host runs between steps. An input that nothing reads is there too.
    """
    nodes = [
        node("Flatten", ["b"], "flat", axis=1),
        node("Gemm", ["a", "wa", "ba"], "ga", transB=1),
        node("Gemm", ["flat", "wb", "bb"], "gb", transB=1),
        node("Concat", ["ga", "gb"], "both", axis=1),
        node("Clip", ["both", "low", "high"], "r") if clipped else node("Relu", ["both"], "r"),
        node("Gemm", ["r", "w"], "h", transB=1),
        node("Tanh", ["h"], "t"),
        node("Gemm", ["t", "wc"], "score", transB=1),
        node("Softmax", ["score"], "class", axis=1),
        node("Gemm", ["t", "wr"], "place", transB=1),
    ]
    ends = {"a": ["n", 5], "b": ["n", 2, 1]}
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ends.items()]
    inputs.append(helper.make_tensor_value_info("unused", TensorProto.INT64, ["n"]))
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in NAMES]
    own = {**weights(seed), **({"low": np.float32(-1), "high": np.float32(6)} if clipped else {})}
    tensors = [numpy_helper.from_array(value, name) for name, value in own.items()]
    proto = helper.make_model(helper.make_graph(nodes, "two", inputs, outputs, tensors))
    proto.opset_import[0].version, proto.ir_version = 17, 8
    return proto


def samples(rows: int = 300, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((rows, 5)), rng.standard_normal((rows, 2, 1)) * 100
    return {"a": a.astype(np.float32), "b": b.astype(np.float32)}


def wanted(proto: onnx.ModelProto, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What onnxruntime says."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    fed = {**given, "unused": np.zeros(len(given["a"]), np.int64)}
    return dict(zip(NAMES, session.run(list(NAMES), fed), strict=True))


def write(folder: Path, clipped: bool = False, rows: int = 300) -> Path:
    """m.onnx, x.npz (inputs alone) and d.npz (labels of the class and targets of the place too); the folder."""
    proto = two(clipped)
    (folder / "m.onnx").write_bytes(proto.SerializeToString())
    given = samples(rows)
    truth = wanted(proto, given)
    np.savez(folder / "x.npz", **given)
    np.savez(folder / "d.npz", **given, y_class=truth["class"].argmax(1), y_place=truth["place"])
    return folder
