"""What to know of a file for holding its Graph against another runtime."""

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto

from emcc.frontend.opened import opened
from emcc.frontend.report import Remarks, Shapes
from emcc.frontend.tensors import decode
from emcc.frontend.topology import ordered, real_inputs, uses
from emcc.ir.graph import Array

HALVES = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
LARGEST = 1 << 30
"""Bytes of a file that is read, changed and written again in memory."""


def remarks(path: Path) -> Remarks:
    """Return the remarks on a file. Raises EmccError: see opened."""
    model = opened(path)
    graph = model.proto.graph
    inputs = (value.type.tensor_type.elem_type for value in real_inputs(graph))
    half = any(kind in HALVES for kind in inputs) or any(_to_half(node) for node in graph.node)
    renamed = {name: new for name, new in model.renamed.items() if new in _interface(graph)}
    dynamic = any(node.op_type.startswith("DynamicQuantize") for node in graph.node)
    return Remarks(half, tuple(value.name for value in graph.output), renamed, dynamic)


def live(path: Path, names: Sequence[str], shapes: Shapes | None = None) -> tuple[bytes, dict[str, Array]] | None:
    """Return a model of what the tensors `names` depend on, and of nothing else; None where it is too large.

    With it the values of its initializers that are stored outside the file. Raises EmccError: see opened.
    """
    whole = opened(path, shapes).proto
    nodes = ordered(whole.graph, path, names)
    read_by = {name for node in nodes for name in uses(node)} | set(names)
    held = [tensor for tensor in whole.graph.initializer if tensor.name in read_by]
    if sum(tensor.ByteSize() for tensor in held) > LARGEST:
        return None
    model = onnx.ModelProto(ir_version=whole.ir_version, opset_import=whole.opset_import, functions=whole.functions)
    model.graph.name = "live"
    model.graph.node.extend(nodes)
    model.graph.input.extend(value for value in whole.graph.input if value.name in read_by)
    model.graph.output.extend(onnx.helper.make_value_info(name, onnx.TypeProto()) for name in names)
    model.graph.initializer.extend(held)
    outside = {tensor.name: decode(tensor, path) for tensor in held if tensor.data_location == TensorProto.EXTERNAL}
    return bytes(model.SerializeToString()), outside


def _interface(graph: onnx.GraphProto) -> set[str]:
    return {value.name for value in (*graph.input, *graph.output)}


def _to_half(node: onnx.NodeProto) -> bool:
    return node.op_type == "Cast" and any(item.name == "to" and item.i in HALVES for item in node.attribute)
