"""Whether a model computes in half precision, so that nothing can be held against it more closely than that."""

from pathlib import Path

import onnx
from onnx import TensorProto

from emcc.frontend.read import read
from emcc.frontend.topology import real_inputs

HALVES = (TensorProto.FLOAT16, TensorProto.BFLOAT16)


def computes_in_half(path: Path) -> bool:
    """Return whether an input is of half precision, or a tensor is cast to it. Raises EmccError: see read."""
    graph = read(path).graph
    inputs = (value.type.tensor_type.elem_type for value in real_inputs(graph))
    return any(kind in HALVES for kind in inputs) or any(_to_half(node) for node in graph.node)


def _to_half(node: onnx.NodeProto) -> bool:
    return node.op_type == "Cast" and any(item.name == "to" and item.i in HALVES for item in node.attribute)
