"""Small quantised ONNX models for tests, as tf2onnx and onnxruntime's quantiser write them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from models import model, node
from onnx import TensorProto

from emcc.compress.kmeans import Share
from emcc.eie import reference
from emcc.eie.lower import lower
from emcc.eie.store import load_program, save_program
from emcc.ir.graph import Array, Graph
from emcc.ir.program import Program
from emcc.legal.verify import verify
from emcc.ops import host, interpret
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise
from emcc.samples.sampling import dequantised, quantised


def compiled(graph: Graph, bits: int = 16) -> tuple[Graph, Program]:
    """(the graph with shared weights, the Program through its file), every stage checked."""
    verify(graph, after="frontend")
    folded = Fold().apply(graph)
    verify(folded, after="fold")
    shared = Share().kept().apply(folded)
    verify(shared, after="share")
    calibrated = Calibrate(bits=bits).apply(shared)
    verify(calibrated, after="calibrate")
    integers = Quantise().apply(calibrated)
    verify(integers, after="quantise")
    return shared, load_program(save_program(lower(integers)))


def answers(program: Program, x: Array) -> Array:
    """What the host gets: float64 [n, elements]."""
    ints = reference.run(program, quantised(program, np.asarray(x, np.float32)))
    return np.asarray(host.apply(program.host, dequantised(program, ints))).reshape(len(x), -1)


def meaning(graph: Graph, x: Array) -> Array:
    """What a float graph gives: float64 [n, elements]."""
    outputs = host.apply(graph.host, interpret.run(graph, np.asarray(x, np.float64)))
    return np.asarray(outputs, np.float64).reshape(len(x), -1)


def as_written(proto: onnx.ModelProto, x: Array) -> Array:
    """What onnxruntime makes of a model node by node: fused, it rounds in other places.

    Where nodes multiply bytes with and without a sign it is let take the sign away: some processors cut sums otherwise.
    """
    integers = [each for each in proto.graph.node if each.op_type.startswith(("QLinear", "QGemm"))]
    signed = all(value.data_type != onnx.TensorProto.UINT8 for value in proto.graph.initializer)
    options, levels = ort.SessionOptions(), ort.GraphOptimizationLevel
    options.log_severity_level = 3
    options.graph_optimization_level = levels.ORT_ENABLE_EXTENDED if integers and not signed else levels.ORT_DISABLE_ALL
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def codes_of(values: Array, axis: int | None, dtype: str, rng: np.random.Generator) -> dict[str, Array]:
    """Integers of weights, their scale and zero point: per tensor where `axis` is None."""
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    zero = 0 if dtype == "int8" else int(rng.integers(100, 150))
    others = tuple(i for i in range(values.ndim) if i != axis) if axis is not None else None
    scale = np.float32(np.abs(values).max(axis=others) / min(high - zero, zero - low))
    spread = scale if axis is None else scale.reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    codes = np.clip(np.rint(values / spread) + zero, low, high).astype(dtype)
    return {"codes": codes, "scale": scale, "zero": np.full(scale.shape, zero, dtype)}


def network(
    rng: np.random.Generator, weights: str, channels: bool, acts: str
) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """(a model of integers in and out, its weights' integers by layer): convolutions, a sum, a pool, a product."""
    constants: dict[str, Array] = {}
    codes: dict[str, Array] = {}
    nodes: list[onnx.NodeProto] = []
    zeros = {"act": np.array(-128 if acts == "int8" else 0, acts), "mid": np.array(3 if acts == "int8" else 131, acts)}
    constants |= {f"z_{key}": value for key, value in zeros.items()}

    def constant(name: str, value: Any) -> str:
        constants[name] = np.asarray(value)
        return name

    def weight(name: str, shape: tuple[int, ...], axis: int) -> str:
        made = codes_of(rng.standard_normal(shape) * rng.uniform(0.2, 2, shape[:1] + (1,) * (len(shape) - 1)),
                        axis if channels else None, weights, rng)  # fmt: skip
        codes[name] = made["codes"].astype(np.int64) - made["zero"].astype(np.int64).reshape(
            [-1 if i == axis and channels else 1 for i in range(len(shape))]
        )
        inputs = [constant(f"{name}.{key}", made[key]) for key in ("codes", "scale", "zero")]
        nodes.append(node("DequantizeLinear", inputs, name, axis=axis))
        return name

    def bias(name: str, size: int) -> str:
        inputs = [constant(f"{name}.int", rng.integers(-400, 400, size).astype(np.int32))]
        inputs.append(constant(f"{name}.scale", np.float32(0.002)))
        nodes.append(node("DequantizeLinear", inputs, name))
        return name

    def pair(x: str, scale: float, zero: str) -> str:
        grid = [constant(f"{x}.scale", np.float32(scale)), f"z_{zero}"]
        nodes.append(node("QuantizeLinear", [x, *grid], f"{x}.q"))
        nodes.append(node("DequantizeLinear", [f"{x}.q", *grid], f"{x}.d"))
        return f"{x}.d"

    nodes.append(node("Transpose", ["x"], "first", perm=[0, 3, 1, 2]))
    nodes.append(node("DequantizeLinear", ["first", constant("s_in", np.float32(0.03)), "z_mid"], "real"))
    inputs = ["real", weight("w0", (6, 3, 3, 3), 0), bias("b0", 6)]
    nodes.append(node("Conv", inputs, "c0", pads=[1, 1, 1, 1]))
    nodes.append(node("Relu", ["c0"], "r0"))
    a = pair("r0", 0.3517, "act")
    nodes.append(node("Conv", [a, weight("w1", (6, 1, 3, 3), 0), bias("b1", 6)], "c1", pads=[1, 1, 1, 1], group=6))
    b = pair("c1", 1.973, "mid")
    nodes.append(node("Add", [a, b], "sum"))
    nodes.append(node("GlobalAveragePool", [pair("sum", 2.091, "mid")], "pool"))
    nodes.append(node("Flatten", [pair("pool", 0.8139, "mid")], "flat", axis=1))
    nodes.append(node("MatMul", ["flat", weight("w2", (6, 4), 1)], "m"))
    nodes.append(node("Add", ["m", bias("b2", 4)], "logits"))
    nodes.append(node("QuantizeLinear", ["logits", constant("s_out", np.float32(2.031)), "z_mid"], "y"))
    kind = TensorProto.INT8 if acts == "int8" else TensorProto.UINT8
    proto = model(nodes, ["n", 5, 6, 3], ["n", 4], constants, output_type=kind)
    proto.graph.input[0].type.tensor_type.elem_type = kind
    return proto, codes


def random_integers(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Any of a type."""
    return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, shape).astype(dtype)


def single(nodes: list[onnx.NodeProto], weights: Mapping[str, Any], shape: list[Any], **more: Any) -> onnx.ModelProto:
    """A model of nodes."""
    return model(nodes, shape, weights={key: np.asarray(value) for key, value in weights.items()}, **more)
