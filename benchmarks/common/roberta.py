"""A transformer encoder of RoBERTa-base's shapes (Liu et al. 2019: BERT-base's of Devlin et al. 2019, and a larger
vocabulary) with random weights, as an ONNX file whose weights are in another one beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH, HEADS, INNER, LAYERS, VOCABULARY, STEPS = 768, 12, 3072, 12, 50_265, 512
CLASSES = 2


@dataclass(frozen=True)
class Shapes:
    """How large it is; the default is the whole one."""

    layers: int = LAYERS
    vocabulary: int = VOCABULARY

    def weights(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and shape of every weight, in the order of the file."""
        yield "tokens.weight", (self.vocabulary, WIDTH)
        yield "places.weight", (STEPS, WIDTH)
        yield from _norm("embedding.norm")
        for i in range(self.layers):
            for part in ("query", "key", "value", "out"):
                yield from _dense(f"layer{i}.{part}", WIDTH, WIDTH)
            yield from _norm(f"layer{i}.norm1")
            yield from _dense(f"layer{i}.inner", WIDTH, INNER)
            yield from _dense(f"layer{i}.outer", INNER, WIDTH)
            yield from _norm(f"layer{i}.norm2")
        yield from _dense("pool", WIDTH, WIDTH)
        yield from _dense("classes", WIDTH, CLASSES)

    def parameters(self) -> int:
        """How many numbers there are."""
        return sum(int(np.prod(shape)) for _, shape in self.weights())


def _dense(name: str, inputs: int, outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (inputs, outputs)
    yield f"{name}.bias", (outputs,)


def _norm(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.scale", (WIDTH,)
    yield f"{name}.shift", (WIDTH,)


def write(folder: Path, shapes: Shapes, seed: int = 0) -> Path:
    """Write model.onnx and model.data, a weight at a time: normal, of deviation 0.02 as BERT begins with."""
    tensors, at = [], 0
    with (folder / "model.data").open("wb") as file:
        for place, (name, shape) in enumerate(shapes.weights()):
            value = np.random.default_rng([seed, place]).standard_normal(shape, np.float32) * np.float32(0.02)
            if name.endswith(".scale"):
                value += 1
            file.write(value.tobytes())
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
            tensor.data_location = TensorProto.EXTERNAL
            for key, text in (("location", "model.data"), ("offset", str(at)), ("length", str(value.nbytes))):
                tensor.external_data.add(key=key, value=text)
            tensors.append(tensor)
            at += value.nbytes
    numbers = {
        "heads": np.array([0, STEPS, HEADS, WIDTH // HEADS]),
        "joined": np.array([0, STEPS, WIDTH]),
        "first": np.array(0),
        "root": np.array((WIDTH // HEADS) ** -0.5, np.float32),
        "two": np.array(2**0.5, np.float32),
        "one": np.array(1, np.float32),
        "half": np.array(0.5, np.float32),
    }
    tensors += [numpy_helper.from_array(value, name) for name, value in numbers.items()]
    x = helper.make_tensor_value_info("x", TensorProto.INT64, ["n", STEPS])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", CLASSES])
    graph = helper.make_graph(_nodes(shapes), "encoder", [x], [y], tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 8
    (folder / "model.onnx").write_bytes(proto.SerializeToString(deterministic=True))
    return folder / "model.onnx"


def _nodes(shapes: Shapes) -> list[onnx.NodeProto]:
    nodes: list[onnx.NodeProto] = []

    def node(op: str, inputs: list[str], output: str, **attrs: object) -> str:
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attrs))
        return output

    def dense(x: str, name: str) -> str:
        return node("Add", [node("MatMul", [x, f"{name}.weight"], f"{name}.product"), f"{name}.bias"], name)

    def norm(x: str, name: str) -> str:
        return node("LayerNormalization", [x, f"{name}.scale", f"{name}.shift"], name, axis=-1, epsilon=1e-5)

    def gelu(x: str, name: str) -> str:
        error = node("Erf", [node("Div", [x, "two"], f"{name}.rooted")], f"{name}.erf")
        return node("Mul", [node("Mul", [x, node("Add", [error, "one"], f"{name}.one")], f"{name}.two"), "half"], name)

    def head(x: str, name: str, perm: list[int]) -> str:
        return node(
            "Transpose", [node("Reshape", [dense(x, name), "heads"], f"{name}.cut")], f"{name}.heads", perm=perm
        )

    x = node("Gather", ["tokens.weight", "x"], "tokens", axis=0)
    x = norm(node("Add", [x, "places.weight"], "placed"), "embedding.norm")
    for i in range(shapes.layers):
        own = f"layer{i}"
        query, key = head(x, f"{own}.query", [0, 2, 1, 3]), head(x, f"{own}.key", [0, 2, 3, 1])
        scores = node("Mul", [node("MatMul", [query, key], f"{own}.raw"), "root"], f"{own}.scores")
        shares = node("Softmax", [scores], f"{own}.shares", axis=-1)
        seen = node("MatMul", [shares, head(x, f"{own}.value", [0, 2, 1, 3])], f"{own}.seen")
        joined = node(
            "Reshape", [node("Transpose", [seen], f"{own}.back", perm=[0, 2, 1, 3]), "joined"], f"{own}.joined"
        )
        x = norm(node("Add", [x, dense(joined, f"{own}.out")], f"{own}.sum1"), f"{own}.norm1")
        inner = gelu(dense(x, f"{own}.inner"), f"{own}.gelu")
        x = norm(node("Add", [x, dense(inner, f"{own}.outer")], f"{own}.sum2"), f"{own}.norm2")
    first = node("Gather", [x, "first"], "first.place", axis=1)
    dense(node("Tanh", [dense(first, "pool")], "pooled"), "classes")
    nodes[-1].output[0] = "y"
    return nodes
