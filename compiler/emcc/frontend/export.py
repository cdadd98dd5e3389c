"""Graph -> ONNX: a float graph, folded or not, as a model that onnxruntime runs."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from emcc.frontend.export_grids import GRIDS, dtype_of, grid
from emcc.frontend.export_model import Writing
from emcc.frontend.export_nodes import float32, opset_of, write
from emcc.ir.graph import Array, Graph

OPSET = 17
IR_VERSIONS = ((18, 8), (20, 9), (22, 10), (23, 11), (99, 12))
"""(the newest opset, the IR version that it came with)."""


def export(graph: Graph, output: str | None = None) -> bytes:
    """The bytes of a float graph's .onnx file: float32, of OPSET or newer where it must be, `graph.host` at its end.

    Linear becomes Gemm, after a Flatten where its input is not flat. Names stay; `output` names the output where
    operators of the host follow, or the output is to be called otherwise.
    """
    model = Writing(taken={*graph.tensors, *graph.constants, *([output] if output else [])})
    model.opset = max(OPSET, *(opset_of(node) for node in graph.nodes))
    model.constants = {name: float32(graph.constants[name]) for name in _used(graph)}
    model.renamed = _entered(model, graph)
    model.inner = {name: model.fresh(f"{name}.unscaled") for name in graph.outputs if name in graph.affines}
    for node in graph.nodes:
        write(model, graph, node)
    results = {name: graph.tensors[name].shape for name in _left(model, graph)}
    kind = TensorProto.FLOAT
    if len(graph.outputs) == 1:
        (at, shape), kind = _tail(model, graph, output), _kind(graph)
        results = {at: shape}
    proto = helper.make_model(
        helper.make_graph(
            model.nodes,
            graph.name or "graph",
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *graph.tensors[name].shape[1:]])
                for name in graph.inputs
            ],
            [helper.make_tensor_value_info(name, kind, ["batch", *shape[1:]]) for name, shape in results.items()],
            [numpy_helper.from_array(value, name) for name, value in model.constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", model.opset)],
        producer_name="emcc",
    )
    proto.ir_version = next(ir for opset, ir in IR_VERSIONS if model.opset <= opset)
    return bytes(proto.SerializeToString(deterministic=True))


def _tail(model: Writing, graph: Graph, output: str | None) -> tuple[str, tuple[int | None, ...]]:
    """(the only output's name, its shape) behind the host's operators."""
    (at,) = graph.outputs
    shape = graph.tensors[at].shape
    for place, (op, attrs) in enumerate(graph.host):
        named = output if place == len(graph.host) - 1 and output else model.fresh(f"{op}_output")
        if op in GRIDS:
            at = grid(model, op, attrs, at, named, model.fresh(op))
            continue
        at = model.node(op, [at], named, model.fresh(op), **attrs)
        if op == "ArgMax":
            axis = int(attrs["axis"])
            shape = shape[:axis] + ((1,) if attrs["keepdims"] else ()) + shape[axis + 1 :]
    if not graph.host and output and output != at:
        at = model.node("Identity", [at], output, model.fresh("output"))
    return at, shape


def _kind(graph: Graph) -> int:
    if graph.host and graph.host[-1][0] == "QuantizeLinear":
        return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype_of(graph.host[-1][1]))))
    return int(TensorProto.INT64 if any(op == "ArgMax" for op, _ in graph.host) else TensorProto.FLOAT)


def _entered(model: Writing, graph: Graph) -> dict[str, str]:
    """What nodes read instead of inputs with scales of their own: (x - offset) scale, in the model."""
    entered = {}
    for name in graph.inputs:
        if name in graph.affines:
            affine, shape, at = graph.affines[name], graph.tensors[name].shape[1:], name
            for op, values in (("Sub", affine.offset), ("Mul", affine.scale)):
                constant = model.constant(f"{name}.{op}", _of_sample(values, shape))
                at = model.node(op, [at, constant], model.fresh(f"{name}.in"), model.fresh(f"{name}.{op}"))
            entered[name] = at
    return entered


def _left(model: Writing, graph: Graph) -> tuple[str, ...]:
    """The outputs, those with scales of their own in the model's units: y scale + offset of what the node gives."""
    inner, model.inner = model.inner, {}
    for name in graph.outputs:
        if name in graph.affines:
            affine, shape = graph.affines[name], graph.tensors[name].shape[1:]
            scale, offset = (
                model.constant(f"{name}.{op}", _of_sample(values, shape))
                for op, values in (("Mul", affine.scale), ("Add", affine.offset))
            )
            scaled = model.node("Mul", [inner[name], scale], model.fresh(f"{name}.scaled"), model.fresh(f"{name}.Mul"))
            model.node("Add", [scaled, offset], name, model.fresh(f"{name}.Add"))
    return graph.outputs


def _of_sample(values: Array, shape: tuple[int | None, ...]) -> Array:
    """Numbers an element as the sample is shaped; one for all as one."""
    return float32(values if values.size == 1 else values.reshape(tuple(size or 1 for size in shape)))


def _used(graph: Graph) -> list[str]:
    return sorted({name for node in graph.nodes for name in node.inputs if name in graph.constants})
