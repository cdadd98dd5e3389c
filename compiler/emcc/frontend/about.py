"""What to know of a file for holding its Graph against another runtime."""

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto

from emcc.frontend.outputs import exposed
from emcc.frontend.read import read
from emcc.frontend.report import Remarks
from emcc.frontend.topology import real_inputs

HALVES = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
LARGEST = 1 << 30
"""Bytes of a file that is read, changed and written again in memory."""


def remarks(path: Path) -> Remarks:
    """Return the remarks on a file. Raises EmccError: see read."""
    graph = read(path).graph
    inputs = (value.type.tensor_type.elem_type for value in real_inputs(graph))
    half = any(kind in HALVES for kind in inputs) or any(_to_half(node) for node in graph.node)
    return Remarks(half, tuple(value.name for value in graph.output))


def cut(path: Path, names: Sequence[str]) -> bytes | None:
    """Return the model with the tensors `names` as its only outputs; None where it is too large. Raises EmccError."""
    return exposed(read(path), names) if path.stat().st_size <= LARGEST else None


def _to_half(node: onnx.NodeProto) -> bool:
    return node.op_type == "Cast" and any(item.name == "to" and item.i in HALVES for item in node.attribute)
