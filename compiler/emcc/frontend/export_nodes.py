"""Nodes of a Graph as ONNX nodes, where they are called otherwise there, or their attributes are inputs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from emcc import ops
from emcc.frontend.export_grids import GRIDS, bipolar, grid_node, stairs
from emcc.frontend.export_model import Writing
from emcc.frontend.export_recurrent import embedding, recurrent
from emcc.frontend.rules import RULES
from emcc.ir.graph import Array, Graph, Node, Tensor
from emcc.ops.registry import REDUCTIONS

SINCE = {"Gelu": 20, "GroupNormalization": 21, "RMSNormalization": 23}
"""The opset that operators came with, or got today's inputs, where that is not an old one."""

FAR = -(1 << 31)
"""The end of a Slice that goes down to the first element."""


def opset_of(node: Node) -> int:
    """The opset that knows a node as it is written."""
    newer = (node.op == "AveragePool" and _dilated(node)) or (node.op == "Pad" and node.attrs["mode"] == "wrap")
    return SINCE.get(node.op, 19 if newer else 0)


def float32(value: Array) -> Array:
    """Floats in single precision, anything else as it is."""
    return np.ascontiguousarray(value, np.float32) if value.dtype.kind == "f" else np.ascontiguousarray(value)


def write(model: Writing, graph: Graph, node: Node) -> None:
    """Operators that are not special mean in a Graph what they mean in ONNX, attribute by attribute."""
    traits = ops.traits(node.op)
    if node.op in _SPECIAL:
        _SPECIAL[node.op](model, graph, node)
    elif "activation" in traits:
        _activation(model, graph, node)
    elif "no-op" in traits:
        model.node("Identity", node.inputs, node.outputs[0], node.name)
    elif node.op in RULES:
        attrs = {key: list(value) if isinstance(value, tuple) else value for key, value in node.attrs.items()}
        if node.op == "AveragePool" and not _dilated(node):
            attrs.pop("dilations", None)
        model.node(node.op, node.inputs, node.outputs[0], node.name, **attrs)
    else:
        raise ValueError(f"no ONNX for {node.op}")


def _dilated(node: Node) -> bool:
    return any(size != 1 for size in node.attrs.get("dilations", ()))


def _linear(model: Writing, graph: Graph, node: Node) -> None:
    x, weight, bias = node.inputs
    if len(graph.tensors[x].shape) != 2:
        x = model.node("Flatten", [x], model.fresh(f"{x}_flat"), model.fresh(f"{node.name}_flatten"), axis=1)
    tensor = graph.tensors[node.outputs[0]]
    flat = len(tensor.shape) == 2
    y = tensor.name if flat else model.fresh(f"{tensor.name}_flat")
    model.node("Gemm", [x, weight, bias], y, node.name, transB=1)
    if not flat:
        _reshape_to(model, y, tensor, model.fresh(f"{node.name}_reshape"))


def _reshape_to(model: Writing, x: str, tensor: Tensor, name: str) -> None:
    shape = np.array([-1 if size is None else size for size in tensor.shape], np.int64)
    model.node("Reshape", [x, model.constant(f"{name}_shape", shape)], tensor.name, name)


def _moved(model: Writing, graph: Graph, node: Node) -> None:
    """Reshape, Squeeze and Unsqueeze, as what they are: another shape."""
    _reshape_to(model, node.inputs[0], graph.tensors[node.outputs[0]], node.name)


def _activation(model: Writing, graph: Graph, node: Node) -> None:
    """An activation that ends the graph may have another shape than what it reads."""
    x, tensor = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    same = x.shape == tensor.shape
    y = tensor.name if same else model.fresh(f"{tensor.name}_flat")
    _FUNCTIONS.get(node.op, _function)(model, node, y)
    if not same:
        _reshape_to(model, y, tensor, model.fresh(f"{node.name}_reshape"))


def _function(model: Writing, node: Node, y: str) -> None:
    model.node(node.op, node.inputs, y, node.name, **dict(node.attrs))


def _clip(model: Writing, node: Node, y: str) -> None:
    limits = [model.constant(f"{node.name}_{key}", np.array(node.attrs[key], np.float32)) for key in ("low", "high")]
    model.node("Clip", [node.inputs[0], *limits], y, node.name)


def _mish(model: Writing, node: Node, y: str) -> None:
    (x,) = node.inputs
    plus = model.node("Softplus", [x], model.fresh(f"{y}_softplus"), model.fresh(f"{node.name}_softplus"))
    gate = model.node("Tanh", [plus], model.fresh(f"{y}_gate"), model.fresh(f"{node.name}_tanh"))
    model.node("Mul", [x, gate], y, node.name)


def _swish(model: Writing, node: Node, y: str) -> None:
    (x,) = node.inputs
    at = x
    if node.attrs["alpha"] != 1:
        alpha = model.constant(f"{node.name}_alpha", np.array(node.attrs["alpha"], np.float32))
        at = model.node("Mul", [x, alpha], model.fresh(f"{y}_scaled"), model.fresh(f"{node.name}_alpha"))
    gate = model.node("Sigmoid", [at], model.fresh(f"{y}_gate"), model.fresh(f"{node.name}_sigmoid"))
    model.node("Mul", [x, gate], y, node.name)


def _with(model: Writing, node: Node, op: str, inputs: Sequence[Array | None], **attrs: Any) -> None:
    """A node of input 0 and constants (None: left out)."""
    names = ["" if value is None else model.constant(f"{node.name}_{i}", value) for i, value in enumerate(inputs, 1)]
    model.node(op, [node.inputs[0], *names], node.outputs[0], node.name, **attrs)


def _whole(*values: Sequence[int]) -> Array:
    return np.array([number for part in values for number in part], np.int64)


def _slice(model: Writing, _graph: Graph, node: Node) -> None:
    rows = list(zip(node.attrs["begins"], node.attrs["counts"], node.attrs["steps"], strict=True))
    ends = [end if (end := begin + count * step) >= 0 else FAR for begin, count, step in rows]
    axes = range(1, len(rows) + 1)
    _with(model, node, "Slice", [_whole(node.attrs["begins"]), _whole(ends), _whole(axes), _whole(node.attrs["steps"])])


def _gather(model: Writing, _graph: Graph, node: Node) -> None:
    _with(model, node, "Gather", [_whole(node.attrs["indices"])], axis=node.attrs["axis"])


def _pad(model: Writing, _graph: Graph, node: Node) -> None:
    pads = _whole((0,), node.attrs["before"], (0,), node.attrs["after"])
    _with(model, node, "Pad", [pads], mode=node.attrs["mode"])


def _resize(model: Writing, _graph: Graph, node: Node) -> None:
    scales = np.array([1, *node.attrs["factors"]], np.float32)
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor", "mode": "nearest"}
    _with(model, node, "Resize", [None, scales], **how)


def _tile(model: Writing, _graph: Graph, node: Node) -> None:
    _with(model, node, "Tile", [_whole((1,), node.attrs["repeats"])])


def _reduce(model: Writing, _graph: Graph, node: Node) -> None:
    axes, keep = node.attrs["axes"], node.attrs["keepdims"]
    if node.op == "ReduceSum" or model.opset >= 18:
        _with(model, node, node.op, [_whole(axes)], keepdims=keep)
    else:
        model.node(node.op, node.inputs, node.outputs[0], node.name, axes=list(axes), keepdims=keep)


def _top(model: Writing, _graph: Graph, node: Node) -> None:
    (y,), other = node.outputs, model.fresh(f"{node.outputs[0]}_other")
    names = (other, y) if node.attrs["indices"] else (y, other)
    count = model.constant(f"{node.name}_k", _whole((node.attrs["k"],)))
    attrs = {"axis": node.attrs["axis"], "largest": node.attrs["largest"]}
    model.node("TopK", [node.inputs[0], count], names[0], node.name, names[1], **attrs)


def _space_to_depth(model: Writing, graph: Graph, node: Node) -> None:
    """With the places in front of the channels; the other way as moves."""
    block = int(node.attrs["blocksize"])
    if node.attrs["mode"] == "DCR":
        model.node("SpaceToDepth", node.inputs, node.outputs[0], node.name, blocksize=block)
        return
    channels, height, width = (int(size or 1) for size in graph.tensors[node.inputs[0]].shape[1:])
    shape = _whole((-1, channels, height // block, block, width // block, block))
    split, moved = (model.fresh(f"{node.outputs[0]}_{part}") for part in ("split", "moved"))
    model.node("Reshape", [node.inputs[0], model.constant(f"{node.name}_shape", shape)], split, f"{node.name}_split")
    model.node("Transpose", [split], moved, f"{node.name}_moved", perm=[0, 1, 3, 5, 2, 4])
    _reshape_to(model, moved, graph.tensors[node.outputs[0]], node.name)


def _shift(model: Writing, _graph: Graph, node: Node) -> None:
    model.node("Add", node.inputs, node.outputs[0], node.name)


def _matmul(model: Writing, _graph: Graph, node: Node) -> None:
    model.node("MatMul", node.inputs, node.outputs[0], node.name)


def _where(model: Writing, _graph: Graph, node: Node) -> None:
    """A number of 0 or 1 as the boolean that ONNX selects by."""
    half = model.constant(f"{node.name}_half", np.array(0.5, np.float32))
    chosen = model.node("Greater", [node.inputs[0], half], model.fresh(f"{node.outputs[0]}_if"), f"{node.name}_if")
    model.node("Where", [chosen, *node.inputs[1:]], node.outputs[0], node.name)


def _no_number(model: Writing, _graph: Graph, node: Node) -> None:
    truth = model.node("IsNaN", node.inputs, model.fresh(f"{node.outputs[0]}_is"), f"{node.name}_is")
    model.node("Cast", [truth], node.outputs[0], node.name, to=1)


_FUNCTIONS: dict[str, Callable[[Writing, Node, str], None]] = {
    "Bipolar": bipolar,
    "Clip": _clip,
    "Mish": _mish,
    "Stairs": stairs,
    "Swish": _swish,
}
_SPECIAL: dict[str, Callable[[Writing, Graph, Node], None]] = {
    "BatchMatMul": _matmul,
    "Embedding": embedding,
    "Gather": _gather,
    "IsNaN": _no_number,
    "Linear": _linear,
    "Pad": _pad,
    "Resize": _resize,
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Tile": _tile,
    "TopK": _top,
    "Shift": _shift,
    "Where": _where,
    **dict.fromkeys(GRIDS, grid_node),
    **dict.fromkeys(("GRU", "LSTM"), recurrent),
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze"), _moved),
    **dict.fromkeys(REDUCTIONS, _reduce),
}
