"""ONNX models over sequences for tests: LSTM and GRU in every form, and a transformer encoder as torch exports one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from models import node
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray[Any, Any]
OUTPUTS = ("Y", "Y_h", "Y_c")


def whole(
    nodes: Sequence[onnx.NodeProto],
    weights: dict[str, Array],
    shape: Sequence[int | str],
    y: str = "y",
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model of one input `x`, whose output's shape is not stated."""
    graph = helper.make_graph(
        list(nodes),
        "sequence",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(y, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 8
    return proto


def recurrent(
    op: str,
    direction: str = "forward",
    outputs: Sequence[str] = ("Y",),
    *,
    layout: int = 0,
    batch: int | str = "n",
    states: bool = False,
    bias: bool = True,
    steps: int = 5,
    features: int = 3,
    hidden: int = 4,
    seed: int = 0,
    change: dict[str, Any] | None = None,
    more: dict[int, Array] | None = None,
    **attrs: Any,
) -> onnx.ModelProto:
    """x [batch, steps, features] through an LSTM or GRU; `outputs` of it flat and side by side.

    Initial `states` are constants where the batch is fixed, else expanded to as many samples as there are. `more` are
    constants for inputs by their place; `change` attributes that take the place of others.
    """
    rng = np.random.default_rng(seed)
    ways, gates = (2 if direction == "bidirectional" else 1), {"LSTM": 4, "GRU": 3}[op]

    def some(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(np.float32)

    weights = {"W": some(ways, gates * hidden, features), "R": some(ways, gates * hidden, hidden)}
    inputs, nodes = ["s", "W", "R", "", "", "", "", ""], list[onnx.NodeProto]()
    if bias:
        weights["B"], inputs[3] = some(ways, 2 * gates * hidden), "B"
    for i, name in ((5, "h0"), (6, "c0")) if states else ():
        if i == 6 and op == "GRU":
            continue
        weights[f"{name}.one"] = np.moveaxis(some(ways, 1, hidden), 0, layout)
        inputs[i] = name
        nodes += _expanded(weights, name, ways, hidden, layout)
    for i, value in (more or {}).items():
        weights[f"more{i}"], inputs[i] = value, f"more{i}"
    while not inputs[-1]:
        inputs.pop()
    moved = [1, 0, 2] if not layout else [0, 1, 2]
    nodes.append(node("Transpose", ["x"], "s", perm=moved))
    named = [name if name in outputs else "" for name in OUTPUTS[: 3 if op == "LSTM" else 2]]
    given = {"direction": direction, "hidden_size": hidden, **({"layout": 1} if layout else {}), **attrs}
    nodes.append(helper.make_node(op, inputs, named, name="rnn", **{**given, **(change or {})}))
    for name in outputs:
        perm = {"Y": [2, 0, 1, 3]}.get(name, [1, 0, 2]) if not layout else list(range(4 if name == "Y" else 3))
        nodes.append(node("Transpose", [name], f"{name}.moved", perm=perm))
        nodes.append(node("Flatten", [f"{name}.moved"], f"{name}.flat", axis=1))
    nodes.append(node("Concat", [f"{name}.flat" for name in outputs], "y", axis=1))
    return whole(nodes, weights, [batch, steps, features])


def _expanded(weights: dict[str, Array], name: str, ways: int, hidden: int, layout: int) -> list[onnx.NodeProto]:
    """The state `name`: one row, for as many samples as x has."""
    weights |= {f"{name}.ways": np.array([ways]), f"{name}.hidden": np.array([hidden])}
    size = helper.make_node("Shape", ["x"], [f"{name}.n"], start=0, end=1)
    order = [f"{name}.ways", f"{name}.n"][:: -1 if layout else 1]
    return [
        size,
        node("Concat", [*order, f"{name}.hidden"], f"{name}.shape", axis=0),
        node("Expand", [f"{name}.one", f"{name}.shape"], name),
    ]


def classifier(op: str, steps: int = 6, features: int = 4, hidden: int = 8, classes: int = 3) -> onnx.ModelProto:
    """[n, steps, features] through two layers, of both directions and of one, to the scores of its last step."""
    rng = np.random.default_rng(3)
    gates = {"LSTM": 4, "GRU": 3}[op]
    weights: dict[str, Array] = {
        "last": np.array(-1),
        "flat": np.array([0, 0, -1]),
        "one": np.array([1]),
        "w": rng.standard_normal((classes, hidden)).astype(np.float32),
        "b": rng.standard_normal(classes).astype(np.float32),
    }
    attrs = {"linear_before_reset": 1} if op == "GRU" else {}
    nodes = [node("Transpose", ["x"], "s0", perm=[1, 0, 2])]
    for i, (ways, size) in enumerate(((2, features), (1, 2 * hidden))):
        shapes = {
            "W": (ways, gates * hidden, size),
            "R": (ways, gates * hidden, hidden),
            "B": (ways, 2 * gates * hidden),
        }
        for part, shape in shapes.items():
            weights[f"{part}{i}"] = (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)
        way = "bidirectional" if ways == 2 else "forward"
        names = [f"s{i}", f"W{i}", f"R{i}", f"B{i}"]
        nodes.append(node(op, names, f"Y{i}", name=f"rnn{i}", direction=way, hidden_size=hidden, **attrs))
        if ways == 2:
            nodes.append(node("Transpose", [f"Y{i}"], f"t{i}", perm=[0, 2, 1, 3]))
            nodes.append(node("Reshape", [f"t{i}", "flat"], f"s{i + 1}"))
        else:
            nodes.append(node("Squeeze", [f"Y{i}", "one"], f"q{i}"))
    nodes += [node("Transpose", ["q1"], "back", perm=[1, 0, 2]), node("Gather", ["back", "last"], "h", axis=1)]
    nodes.append(node("Gemm", ["h", "w", "b"], "y", transB=1))
    return whole(nodes, weights, ["n", steps, features])


def encoder(
    tokens: int = 7, steps: int = 5, width: int = 8, heads: int = 2, *, spelt: bool = False, mean: bool = False
) -> onnx.ModelProto:
    """Tokens x, int64 [n, steps], through one layer of a transformer to scores: attention as torch.onnx writes it.

    Samples are along the second axis there, in one axis with the heads, and in one behind the steps. `spelt`: the
    normalisations are nodes of their own. `mean`: over the steps, and not the first one's place.
    """
    rng = np.random.default_rng(5)
    part = width // heads

    def some(*shape: int) -> Array:
        return (rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)

    weights: dict[str, Array] = {
        "table": rng.standard_normal((tokens, width)).astype(np.float32),
        "places": rng.standard_normal((steps, width)).astype(np.float32),
        "scale": np.array(part**0.5, np.float32),
        "half": np.array(0.5, np.float32),
        "root": np.array(2**0.5, np.float32),
        "unit": np.array(1.0, np.float32),
        "first": np.array(0),
        "axis0": np.array([0]),
        "axis1": np.array([1]),
        "steps": np.array([steps]),
        "heads": np.array([heads]),
        "width": np.array([width]),
        "part": np.array([part]),
        "less": np.array([-1]),
        **{name: some(width, width) for name in ("wq", "wk", "wv", "wo")},
        **{f"b{name}": some(width) for name in "qkvo"},
        "w1": some(width, 2 * width),
        "b1": some(2 * width),
        "w2": some(2 * width, width),
        "b2": some(width),
        "wy": some(width, 3),
        "by": some(3),
    }
    nodes = [
        node("Gather", ["table", "x"], "e"),
        node("Add", ["e", "places"], "p"),
        node("Transpose", ["p"], "t", perm=[1, 0, 2]),
        helper.make_node("Shape", ["t"], ["n"], start=1, end=2),
        node("Mul", ["n", "heads"], "n.heads"),
        node("Mul", ["n", "steps"], "n.steps"),
        node("Concat", ["steps", "n.heads", "part"], "to.heads", axis=0),
        node("Concat", ["n", "heads", "steps", "part"], "to.four", axis=0),
        node("Concat", ["n.steps", "width"], "to.rows", axis=0),
        node("Concat", ["steps", "n", "width"], "to.steps", axis=0),
    ]
    for name in "qkv":
        nodes += [
            node("MatMul", ["t", f"w{name}"], f"{name}0"),
            node("Add", [f"b{name}", f"{name}0"], f"{name}1"),
            node("Reshape", [f"{name}1", "to.heads"], f"{name}2"),
            node("Transpose", [f"{name}2"], f"{name}3", perm=[1, 0, 2]),
            node("Reshape", [f"{name}3", "to.four"], name),
        ]
    nodes += [
        node("Transpose", ["k"], "k.t", perm=[0, 1, 3, 2]),
        node("MatMul", ["q", "k.t"], "a0"),
        node("Div", ["a0", "scale"], "a1"),
        node("Softmax", ["a1"], "a2", axis=-1),
        node("MatMul", ["a2", "v"], "a3"),
        node("Transpose", ["a3"], "a4", perm=[2, 0, 1, 3]),
        node("Reshape", ["a4", "to.rows"], "a5"),
        node("Gemm", ["a5", "wo", "bo"], "a6"),
        node("Reshape", ["a6", "to.steps"], "a7"),
        node("Add", ["t", "a7"], "r0"),
    ]
    nodes += _norm(weights, "r0", "r1", width, spelt)
    nodes += [
        node("MatMul", ["r1", "w1"], "f0"),
        node("Add", ["b1", "f0"], "f1"),
        node("Div", ["f1", "root"], "g0"),
        node("Erf", ["g0"], "g1"),
        node("Add", ["g1", "unit"], "g2"),
        node("Mul", ["f1", "g2"], "g3"),
        node("Mul", ["g3", "half"], "f2"),
        node("MatMul", ["f2", "w2"], "f3"),
        node("Add", ["b2", "f3"], "f4"),
        node("Add", ["r1", "f4"], "r2"),
    ]
    nodes += _norm(weights, "r2", "r3", width, spelt)
    nodes.append(node("Transpose", ["r3"], "z", perm=[1, 0, 2]))
    if mean:
        nodes.append(node("ReduceMean", ["z"], "c", axes=[1], keepdims=0))
    else:
        nodes.append(node("Gather", ["z", "first"], "c", axis=1))
    nodes.append(node("Gemm", ["c", "wy", "by"], "y"))
    return whole(nodes, weights, ["n", steps], kind=TensorProto.INT64)


def _norm(weights: dict[str, Array], x: str, y: str, width: int, spelt: bool) -> list[onnx.NodeProto]:
    rng = np.random.default_rng(len(x) + len(weights))
    weights[f"{y}.scale"] = (1 + rng.random(width)).astype(np.float32)
    weights[f"{y}.bias"] = rng.random(width).astype(np.float32)
    if not spelt:
        return [node("LayerNormalization", [x, f"{y}.scale", f"{y}.bias"], y, axis=-1, epsilon=1e-5)]
    weights["two"], weights["little"] = np.array(2.0, np.float32), np.array(1e-5, np.float32)
    return [
        node("ReduceMean", [x], f"{y}.mean", axes=[-1]),
        node("Sub", [x, f"{y}.mean"], f"{y}.0"),
        node("Pow", [f"{y}.0", "two"], f"{y}.1"),
        node("ReduceMean", [f"{y}.1"], f"{y}.2", axes=[-1]),
        node("Add", [f"{y}.2", "little"], f"{y}.3"),
        node("Sqrt", [f"{y}.3"], f"{y}.4"),
        node("Div", [f"{y}.0", f"{y}.4"], f"{y}.5"),
        node("Mul", [f"{y}.5", f"{y}.scale"], f"{y}.6"),
        node("Add", [f"{y}.6", f"{y}.bias"], y),
    ]
