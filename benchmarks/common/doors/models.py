"""Models that ask for more than there is, or are not what they say."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from benchmarks.common.doors.row import COMPILE, COMPRESS, INSPECT, Row

from models import mlp, model, node, save  # type: ignore[import-not-found]  # isort: skip
from sequence_models import encoder  # type: ignore[import-not-found]  # isort: skip

Build = Callable[[Path], object]
INTO = node("Add", ["x", "c"], "y", "end")


def of(
    nodes: Sequence[onnx.NodeProto], weights: Mapping[str, Any], shape: Sequence[Any] = ("n", 4), **more: Any
) -> Build:
    """m.onnx of these nodes."""
    return lambda folder: save(model(nodes, list(shape), weights=weights, **more), folder / "m.onnx")


def held(proto: onnx.ModelProto, name: str = "m.onnx") -> Build:
    """m.onnx of a model."""
    return lambda folder: save(proto, folder / name)


FILLED = node("ConstantOfShape", ["s"], "big")
SLICED = [FILLED, node("Slice", ["big", "a", "b"], "c"), INTO]
FOUR = {"a": np.array([0]), "b": np.array([4])}
STRINGS = [FILLED, node("Cast", ["big"], "t", to=TensorProto.STRING), node("Cast", ["t"], "f", to=1)]
KERNEL = {"k": np.ones((2, 2, 3, 3), np.float32)}
IMAGE = ("n", 2, 8, 8)


def chain(names: Callable[[int], str], outputs: bool) -> Build:
    """40,000 Relu, each called names(i); all of them outputs, or the last."""

    def build(folder: Path) -> None:
        count = 40_000
        nodes = [node("Relu", [f"t{i - 1}" if i else "x"], f"t{i}", names(i)) for i in range(count)]
        proto = model(nodes, ["n", 4])
        if outputs:
            extra = [helper.make_tensor_value_info(f"t{i}", TensorProto.FLOAT, None) for i in range(count - 1)]
            proto.graph.output.extend(extra)
        save(proto, folder / "m.onnx")

    return build


def endless(folder: Path) -> None:
    """A Loop of 2^62 turns that makes an output which nobody takes."""
    kinds = {"it": (TensorProto.INT64, []), "c": (TensorProto.BOOL, []), "v": (TensorProto.FLOAT, [1])}
    given = [helper.make_tensor_value_info(name, *kind) for name, kind in kinds.items()]
    made = [helper.make_tensor_value_info("co", *kinds["c"]), helper.make_tensor_value_info("vo", *kinds["v"])]
    body = helper.make_graph([node("Identity", ["c"], "co"), node("Identity", ["v"], "vo")], "body", given, made)
    proto = mlp((4, 3))
    proto.graph.node.append(helper.make_node("Loop", ["turns", "yes", "one"], ["dead"], body=body))
    for name, value in {"turns": np.array(1 << 62), "yes": np.array(True), "one": np.ones(1, np.float32)}.items():
        proto.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    proto.graph.output.append(helper.make_tensor_value_info("dead", TensorProto.INT64, [1]))
    save(proto, folder / "m.onnx")


def dims(*sizes: int) -> Build:
    """A weight that says it has these."""

    def build(folder: Path) -> None:
        proto = mlp((4, 3))
        proto.graph.initializer[0].dims[:] = sizes
        save(proto, folder / "m.onnx")

    return build


def external(location: str, prepare: Callable[[Path], object] = lambda folder: None) -> Build:
    """A weight in another file."""

    def build(folder: Path) -> None:
        proto = mlp((4, 3))
        for tensor in proto.graph.initializer:
            if tensor.name == "fc0.weight":
                tensor.ClearField("raw_data")
                tensor.data_location = TensorProto.EXTERNAL
                tensor.external_data.add(key="location", value=location)
        save(proto, folder / "m.onnx")
        prepare(folder)

    return build


def ring(folder: Path) -> None:
    """Two links that lead to each other."""
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")


def dequantised() -> onnx.ModelProto:
    """Weights of int8 behind DequantizeLinear, as an exporter writes them."""
    rng = np.random.default_rng(3)
    weights = {"q": rng.integers(-128, 128, (64, 8)).astype(np.int8), "s": np.float32(0.0173), "z": np.int8(3)}
    return model(
        [node("DequantizeLinear", ["q", "s", "z"], "w"), node("MatMul", ["x", "w"], "y")], ["n", 64], weights=weights
    )


def named(title: bytes) -> Build:
    """A good model in a file of that name."""
    return lambda folder: Path(os.fsdecode(os.path.join(os.fsencode(folder), title))).write_bytes(
        mlp((4, 3)).SerializeToString()
    )


def quantised(**changes: Any) -> Build:
    """A QDQ model with other scales, zero points or axes."""
    values: dict[str, Any] = {
        "s": np.float32(0.1),
        "z": np.int8(0),
        "axis": 1,
        "w": np.ones((4, 3), np.float32),
    } | changes
    axis = values.pop("axis")
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], "q", axis=axis),
        node("DequantizeLinear", ["q", "s", "z"], "d", axis=axis),
        node("MatMul", ["d", "w"], "y"),
    ]
    return of(nodes, values)


BIG = {"s": np.array([1 << 28]), **FOUR}
WEIGHT = {"w": np.ones((4, 3), np.float32), "c": np.full(4, 3e38, np.float32)}
BEYOND = [node("Add", ["x", "c"], "p"), node("MatMul", ["p", "w"], "y", "fc")]
OVER = {"w": np.full((4, 4), 1e30, np.float32)}
OVERFLOW = [node("MatMul", ["x", "w"], "a", "one"), node("MatMul", ["a", "w"], "y", "two")]
WIDE = [node("ConstantOfShape", ["s"], "w"), node("MatMul", ["x", "w"], "y")]

ROWS = (
    Row("constants of 2^28, sliced", of(SLICED, BIG), COMPILE, "computes a constant of 268435456 elements"),
    Row(
        "constants of 2^28, twice", of([*SLICED[:2], node("Add", ["big", "big"], "d"), INTO], BIG), COMPILE, "constant"
    ),
    Row(
        "Cast of 2^26 to STRING",
        of([*STRINGS, node("Add", ["x", "f"], "y")], {"s": np.array([1 << 26])}),
        COMPILE,
        "STRING",
        seconds=4,
        cheap=False,
    ),
    Row("batch 2^31 - 1", held(mlp((4, 3), batch=(1 << 31) - 1)), COMPILE, code=0, seconds=8, cheap=False),
    Row("batch 10^6", held(mlp((4, 3), batch=10**6)), COMPILE, code=0, seconds=8, cheap=False),
    Row("40,000 outputs", chain(lambda i: f"n{i}", True), INSPECT, "has 40,000 outputs", seconds=15, cheap=False),
    Row("40,000 nodes", chain(lambda i: f"n{i}", False), COMPILE, "emcc takes up to 10,000", seconds=8, cheap=False),
    Row(
        "40,000 nodes of one name",
        chain(lambda i: "n", False),
        COMPILE,
        "emcc takes up to 10,000",
        seconds=8,
        cheap=False,
    ),
    Row("endless Loop behind a dead output", endless, (*COMPILE, "--output", "z0"), code=0, seconds=8, cheap=False),
    Row("endless Loop, not named", endless, COMPILE, code=0, seconds=8, cheap=False),
    Row(
        "MaxPool of 2^33",
        of([node("MaxPool", ["x"], "y", kernel_shape=[1 << 33, 1 << 33])], {}, IMAGE),
        COMPRESS,
        "does not fit",
    ),
    Row("pads of 2^40", of([node("Conv", ["x", "k"], "y", pads=[1 << 40] * 4)], KERNEL, IMAGE), COMPRESS, "elements"),
    Row(
        "dilations of 2^62",
        of([node("Conv", ["x", "k"], "y", dilations=[1 << 62] * 2)], KERNEL, IMAGE),
        COMPRESS,
        "m.onnx",
    ),
    Row(
        "2^22 x 1 of nothing",
        of(WIDE, {"s": np.array([1 << 22, 1])}, ("n", 1 << 22)),
        COMPILE,
        code=0,
        seconds=60,
        cheap=False,
    ),
    Row("110,000 dims", dims(*[1] * 110_000), COMPILE, "110000 axes"),
    Row("240 dims of 2^62", dims(*[1 << 62] * 240), COMPILE, "240 axes"),
    Row("external data of 300 letters", external("a" * 300), COMPILE, "File name too long"),
    Row("external data behind a ring of links", external("a", ring), COMPILE, "m.onnx"),
    Row("external data in a pipe", external("p", lambda folder: os.mkfifo(folder / "p")), COMPILE, "not there"),
    Row("external data in a folder", external("p", lambda folder: (folder / "p").mkdir()), COMPILE, "not there"),
    Row("external data in /dev", external("/dev/zero"), COMPILE, "not inside the model's folder"),
    Row("a name that is not UTF-8", named(b"m\xff.onnx"), ("inspect", "m\udcff.onnx"), code=0),
    Row("a bias beyond float32", of(BEYOND, WEIGHT), COMPILE, "m.onnx"),
    Row("layers beyond float32", of(OVERFLOW, OVER), COMPILE, "beyond float32"),
    Row("DequantizeLinear of weights", held(dequantised()), COMPILE, code=0, seconds=8, cheap=False),
    Row(
        "QDQ: a scale of 0",
        of(
            [
                node("QuantizeLinear", ["x", "s", "z"], "q"),
                node("DequantizeLinear", ["q", "s", "z"], "d"),
                node("MatMul", ["d", "w"], "y"),
            ],
            {"s": np.float32(0), "z": np.int8(0), "w": np.ones((4, 3), np.float32)},
        ),
        COMPILE,
        "scale",
    ),
    Row("QDQ: a scale of NaN", quantised(s=np.float32(np.nan)), COMPILE, "scale"),
    Row("QDQ: a scale of 1e-45", quantised(s=np.float32(1e-45)), COMPILE, code=0, seconds=8, cheap=False),
    Row(
        "QDQ: an axis of 2^40",
        quantised(axis=1 << 40, s=np.ones(4, np.float32), z=np.zeros(4, np.int8)),
        COMPILE,
        "axis",
    ),
    Row("QDQ: two scales for four", quantised(s=np.ones(2, np.float32), z=np.zeros(2, np.int8)), COMPILE, "m.onnx"),
    Row("nothing for an array: compile", held(encoder(mean=True)), COMPILE, "running on the array comes later"),
    Row("nothing for an array: inspect", held(encoder(mean=True)), INSPECT, "running on the array comes later"),
    Row("a model is a pipe", lambda folder: os.mkfifo(folder / "m.onnx"), COMPILE, "a device, a pipe or a socket"),
    Row("a model is /dev/zero", lambda folder: (folder / "m.onnx").symlink_to("/dev/zero"), COMPILE, "a device"),
    Row(
        "a model of 2^40 bytes",
        lambda folder: (folder / "m.onnx").touch() or os.truncate(folder / "m.onnx", 1 << 40),
        COMPILE,
        "larger than",
    ),
    Row("a name of controls", held(mlp((4, 3), name="a\x1b[31m\u202eb")), COMPILE, "control character"),
)
