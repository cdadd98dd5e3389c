"""Models that emcc must refuse: each function writes `model.onnx` into a folder."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from models import mlp, model, node, save
from onnx import TensorProto

MODEL = "model.onnx"
SIZES = (6, 5, 3)


def good() -> onnx.ModelProto:
    """The model that all others are a damaged copy of."""
    return mlp(SIZES, seed=1)


def truncated(folder: Path) -> None:
    """The first half of the file."""
    data = good().SerializeToString()
    (folder / MODEL).write_bytes(data[: len(data) // 2])


def random_bytes(folder: Path) -> None:
    """Not a model at all."""
    (folder / MODEL).write_bytes(np.random.default_rng(0).bytes(4096))


def empty(folder: Path) -> None:
    """No bytes, which protobuf reads as a model."""
    (folder / MODEL).write_bytes(b"")


def cycle(folder: Path) -> None:
    """Two nodes that need each other."""
    proto = model(
        [node("Add", ["x", "b"], "a"), node("Relu", ["a"], "b"), node("Relu", ["b"], "y")], ["n", 4], ["n", 4]
    )
    save(proto, folder / MODEL)


def missing_initializer(folder: Path) -> None:
    """A weight that is named and not there."""
    proto = good()
    del proto.graph.initializer[0]
    save(proto, folder / MODEL)


def with_weight(value: float) -> Callable[[Path], None]:
    """One weight is `value`."""

    def build(folder: Path) -> None:
        proto = good()
        tensor = next(item for item in proto.graph.initializer if item.name == "fc1.weight")
        weights = onnx.numpy_helper.to_array(tensor).copy()
        weights[1, 2] = value
        tensor.CopyFrom(onnx.numpy_helper.from_array(weights, tensor.name))
        save(proto, folder / MODEL)

    return build


def zero_sized(folder: Path) -> None:
    """A weight matrix without columns, for an input without elements."""
    weights = {"w": np.zeros((0, 4), np.float32)}
    save(model([node("MatMul", ["x", "w"], "y")], ["n", 0], ["n", 4], weights), folder / MODEL)


def gigantic(folder: Path) -> None:
    """A tensor of 2**40 elements, with no data."""
    proto = good()
    tensor = next(item for item in proto.graph.initializer if item.name == "fc0.weight")
    tensor.ClearField("raw_data")
    del tensor.dims[:]
    tensor.dims.extend([1 << 20, 1 << 20])
    save(proto, folder / MODEL)


def gigantic_input(folder: Path) -> None:
    """An input of 2**40 elements, flattened and multiplied by a weight that is not there."""
    save(model([node("Relu", ["x"], "y")], ["n", 1 << 40], ["n", 1 << 40]), folder / MODEL)


def escaping_external_data(folder: Path) -> None:
    """Weights in a file outside the model's folder, which exists."""
    inside = folder / "inside"
    inside.mkdir()
    proto = good()
    tensor = next(item for item in proto.graph.initializer if item.name == "fc0.weight")
    (folder / "secret.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    save(proto, inside / MODEL)


def named(name: str) -> Callable[[Path], None]:
    """The tensor between the layers is called `name`."""

    def build(folder: Path) -> None:
        proto = good()
        for item in proto.graph.node:
            for names in (item.input, item.output):
                for i, old in enumerate(names):
                    if old == "a0":
                        names[i] = name
        save(proto, folder / MODEL)

    return build


def unsupported(folder: Path) -> None:
    """Three nodes that are not supported, one of them with attributes."""
    proto = model(
        [
            node("Shrink", ["x"], "s", "shrink"),
            node("Gemm", ["s", "w"], "z", "fc", transB=1),
            node("CumSum", ["z", "one"], "c"),
            node("ThresholdedRelu", ["c"], "d", "fine"),
            node("Hardmax", ["d"], "y", "hard", axis=1),
        ],
        ["n", 4],
        ["n", 4],
        {"w": np.eye(4, dtype=np.float32), "one": np.asarray(1)},
    )
    save(proto, folder / MODEL)


def alone(op: str, inputs: list[str], shape: tuple[int, ...] = (2, 6, 6), **attrs: object) -> Callable[[Path], None]:
    """One node on an image, with constants that it may name."""
    weights = {
        "k": np.ones((3, 2, 5, 5), np.float32),
        "half": np.float32([1, 1, 1.5, 1.5]),
        "huge": np.array([1, 1, 1 << 20, 1 << 20]),
        "far": np.array([9]),
        "two": np.array([2]),
        "parts": np.array([3, 4]),
        "wide": np.array([0, 0, 1 << 40, 0, 0, 0, 0, 0]),
    }

    def build(folder: Path) -> None:
        used = {name: value for name, value in weights.items() if name in inputs}
        save(model([node(op, inputs, "y", "it", **attrs)], ["n", *shape], weights=used), folder / MODEL)

    return build


def joined(folder: Path) -> None:
    """Two maps of other sizes side by side."""
    nodes = [
        node("MaxPool", ["x"], "p", "pool", kernel_shape=[2, 2]),
        node("Concat", ["x", "p"], "y", "join", axis=1),
    ]
    save(model(nodes, ["n", 2, 6, 6]), folder / MODEL)
