"""Graph -> ONNX: a float graph, folded or not, as a model that onnxruntime runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from emcc.frontend.export_grids import GRIDS, dtype_of, grid
from emcc.frontend.export_model import Writing
from emcc.frontend.export_nodes import float32, opset_of, write
from emcc.ir.affine import plain
from emcc.ir.graph import INDICES, Affine, Array, Graph, Tensor
from emcc.ops.host import tail_of

OPSET, ML = 17, "ai.onnx.ml"
IR_VERSIONS = ((18, 8), (20, 9), (22, 10), (23, 11), (99, 12))
"""(the newest opset, the IR version that it came with)."""


def export(graph: Graph, outputs: Sequence[str] = ()) -> bytes:
    """The bytes of a float graph's .onnx file: float32, of OPSET or newer where it must be, `graph.host` at its end.

    Linear becomes Gemm, after a Flatten where its input is not flat. Names stay; `outputs` names the outputs where
    operators of the host follow, or outputs are to be called otherwise.
    """
    model = Writing(taken={*graph.tensors, *graph.constants, *outputs})
    model.opset = max([OPSET, *map(opset_of, graph.nodes)])
    model.constants = {name: float32(graph.constants[name]) for name in _used(graph)}
    model.renamed = {name: _scaled(model, graph, name) for name in graph.inputs if name in graph.affines}
    model.inner = {name: model.fresh(f"{name}.unscaled") for name in graph.outputs if name in graph.affines}
    for place, name in enumerate(outputs):
        if name == graph.outputs[place] and tail_of(graph.host, place):
            # The host's operators give that name.
            model.inner[name] = model.renamed[name] = model.fresh(f"{name}.before")
    for node in graph.nodes:
        write(model, graph, node)
    left = [_left(model, graph, name) for name in graph.outputs]
    ends = [_end(model, graph, place, at, outputs[place] if outputs else None) for place, at in enumerate(left)]
    given = [graph.tensors[name] for name in graph.inputs]
    domains = {"": model.opset} | ({ML: 1} if any(node.domain == ML for node in model.nodes) else {})
    proto = helper.make_model(
        helper.make_graph(
            model.nodes,
            graph.name or "graph",
            [helper.make_tensor_value_info(own.name, _type(own), ["batch", *own.shape[1:]]) for own in given],
            ends,
            [numpy_helper.from_array(value, name) for name, value in model.constants.items()],
        ),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in domains.items()],
        producer_name="emcc",
    )
    proto.ir_version = next(ir for opset, ir in IR_VERSIONS if model.opset <= opset)
    return bytes(proto.SerializeToString(deterministic=True))


def _end(model: Writing, graph: Graph, place: int, at: str, output: str | None) -> onnx.ValueInfoProto:
    """An output: what the host does to tensor `at`, and the name that it is to have."""
    shape, kind, tail = graph.tensors[graph.outputs[place]].shape, TensorProto.FLOAT, tail_of(graph.host, place)
    for i, (op, attrs) in enumerate(tail):
        named = output if i == len(tail) - 1 and output else model.fresh(f"{op}_output")
        if op in GRIDS:
            at = grid(model, op, attrs, at, named, model.fresh(op))
            kind = _kind(op, attrs)
            continue
        at = model.node(op, [at], named, model.fresh(op), **attrs)
        if op == "ArgMax":
            axis, kind = int(attrs["axis"]), TensorProto.INT64
            shape = shape[:axis] + ((1,) if attrs["keepdims"] else ()) + shape[axis + 1 :]
    if not tail and output and output != at:
        at = model.node("Identity", [at], output, model.fresh("output"))
    return helper.make_tensor_value_info(at, kind, ["batch", *shape[1:]])


def _type(tensor: Tensor) -> int:
    """What an input is given as: floats, but where rows of a table are picked by it."""
    if tensor.dtype in INDICES:
        return int(helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype)))
    return int(TensorProto.FLOAT)


def _kind(op: str, attrs: Mapping[str, Any]) -> int:
    """What a grid gives: integers, or floats of them."""
    to = np.dtype(dtype_of(attrs)) if op == "QuantizeLinear" else np.dtype(np.float32)
    return int(helper.np_dtype_to_tensor_dtype(to))


def _scaled(model: Writing, graph: Graph, name: str) -> str:
    """What nodes read instead of input x with scales of its own: x over its norm, and (x - offset) scale."""
    affine, shape = graph.affines[name], graph.tensors[name].shape[1:]
    at = name
    if affine.norm:
        at = model.node("Normalizer", [at], model.fresh(f"{name}.normal"), model.fresh(f"{name}.Normalizer"))
        model.nodes[-1].domain = ML
        model.nodes[-1].attribute.append(helper.make_attribute("norm", affine.norm))
    if plain(Affine(affine.scale, affine.offset)):
        return at
    for op, values in (("Sub", affine.offset), ("Mul", affine.scale)):
        constant = model.constant(f"{name}.{op}", _of_sample(values, shape))
        at = model.node(op, [at, constant], model.fresh(f"{name}.in"), model.fresh(f"{name}.{op}"))
    return at


def _left(model: Writing, graph: Graph, name: str) -> str:
    """An output in the model's units, by its name: y scale + offset of what the last node gives, where it has such."""
    if name in graph.affines:
        affine, shape = graph.affines[name], graph.tensors[name].shape[1:]
        inner = model.inner.pop(name)
        scale, offset = (
            model.constant(f"{name}.{op}", _of_sample(values, shape))
            for op, values in (("Mul", affine.scale), ("Add", affine.offset))
        )
        scaled = model.node("Mul", [inner, scale], model.fresh(f"{name}.scaled"), model.fresh(f"{name}.Mul"))
        model.node("Add", [scaled, offset], name, model.fresh(f"{name}.Add"))
    return model.inner.pop(name, name)


def _of_sample(values: Array, shape: tuple[int | None, ...]) -> Array:
    """Numbers an element as the sample is shaped; one for all as one."""
    return float32(values if values.size == 1 else values.reshape(tuple(size or 1 for size in shape)))


def _used(graph: Graph) -> list[str]:
    return sorted({name for node in graph.nodes for name in node.inputs if name in graph.constants})
