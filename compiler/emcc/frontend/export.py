"""Graph -> ONNX: a float graph, folded or not, as a model that onnxruntime runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from emcc import ops
from emcc.frontend.rules import RULES
from emcc.ir.affine import plain
from emcc.ir.graph import Affine, Array, Graph, Node, Tensor
from emcc.ops.host import tail_of

OPSET, IR_VERSION = 17, 8
DILATED_OPSET, DILATED_IR_VERSION = 19, 9
"""Where an AveragePool has dilations, which older opsets do not know."""

ML = "ai.onnx.ml"


@dataclass
class _Model:
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    inner: dict[str, str] = field(default_factory=dict)

    def fresh(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def constant(self, name: str, value: Array) -> str:
        name = self.fresh(name)
        self.constants[name] = value
        return name

    def node(self, op: str, inputs: Sequence[str], output: str, name: str, **attrs: Any) -> str:
        takes = [self.renamed.get(taken, taken) for taken in inputs]
        self.nodes.append(helper.make_node(op, takes, [self.inner.get(output, output)], name, **attrs))
        return output


def export(graph: Graph, outputs: Sequence[str] = ()) -> bytes:
    """The bytes of a float graph's .onnx file: opset 17 or DILATED_OPSET, float32, `graph.host` at its end.

    Linear becomes Gemm, after a Flatten where its input is not flat. Names stay; `outputs` names the outputs where
    operators of the host follow, or outputs are to be called otherwise.
    """
    model = _Model(taken={*graph.tensors, *graph.constants, *outputs})
    model.constants = {name: _float32(graph.constants[name]) for name in _used(graph)}
    model.renamed = _entered(model, graph)
    model.inner = {name: model.fresh(f"{name}.unscaled") for name in graph.outputs if name in graph.affines}
    for place, name in enumerate(outputs):
        if name == graph.outputs[place] and tail_of(graph.host, place):
            # The host's operators give that name.
            model.inner[name] = model.renamed[name] = model.fresh(f"{name}.before")
    for node in graph.nodes:
        _write(model, graph, node)
    left = [_left(model, graph, name) for name in graph.outputs]
    ends = [_end(model, graph, place, at, outputs[place] if outputs else None) for place, at in enumerate(left)]
    given = [graph.tensors[name] for name in graph.inputs]
    dilated = any(node.op == "AveragePool" and _dilated(node) for node in graph.nodes)
    proto = helper.make_model(
        helper.make_graph(
            model.nodes,
            graph.name or "graph",
            [helper.make_tensor_value_info(own.name, TensorProto.FLOAT, ["batch", *own.shape[1:]]) for own in given],
            ends,
            [numpy_helper.from_array(value, name) for name, value in model.constants.items()],
        ),
        opset_imports=[
            helper.make_opsetid("", DILATED_OPSET if dilated else OPSET),
            *([helper.make_opsetid(ML, 1)] if any(node.domain == ML for node in model.nodes) else []),
        ],
        producer_name="emcc",
    )
    proto.ir_version = DILATED_IR_VERSION if dilated else IR_VERSION
    return bytes(proto.SerializeToString(deterministic=True))


def _end(model: _Model, graph: Graph, place: int, at: str, output: str | None) -> onnx.ValueInfoProto:
    """An output: what the host does to tensor `at`, and the name that it is to have."""
    shape, kind, tail = graph.tensors[graph.outputs[place]].shape, TensorProto.FLOAT, tail_of(graph.host, place)
    for i, (op, attrs) in enumerate(tail):
        last = i == len(tail) - 1
        at = model.node(op, [at], output if last and output else model.fresh(f"{op}_output"), model.fresh(op), **attrs)
        if op == "ArgMax":
            axis, kind = int(attrs["axis"]), TensorProto.INT64
            shape = shape[:axis] + ((1,) if attrs["keepdims"] else ()) + shape[axis + 1 :]
    if not tail and output and output != at:
        at = model.node("Identity", [at], output, model.fresh("output"))
    return helper.make_tensor_value_info(at, kind, ["batch", *shape[1:]])


def _entered(model: _Model, graph: Graph) -> dict[str, str]:
    """What nodes read instead of inputs with scales of their own."""
    return {name: _scaled(model, graph, name) for name in graph.inputs if name in graph.affines}


def _scaled(model: _Model, graph: Graph, name: str) -> str:
    """An input, x, over its norm, and (x - offset) scale, in the model."""
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


def _left(model: _Model, graph: Graph, name: str) -> str:
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
    return _float32(values if values.size == 1 else values.reshape(tuple(size or 1 for size in shape)))


def _dilated(node: Node) -> bool:
    return any(size != 1 for size in node.attrs.get("dilations", ()))


def _used(graph: Graph) -> list[str]:
    return sorted({name for node in graph.nodes for name in node.inputs if name in graph.constants})


def _float32(value: Array) -> Array:
    return np.ascontiguousarray(value, np.float32) if value.dtype.kind == "f" else np.ascontiguousarray(value)


def _write(model: _Model, graph: Graph, node: Node) -> None:
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


def _linear(model: _Model, graph: Graph, node: Node) -> None:
    x, weight, bias = node.inputs
    if len(graph.tensors[x].shape) != 2:
        x = model.node("Flatten", [x], model.fresh(f"{x}_flat"), model.fresh(f"{node.name}_flatten"), axis=1)
    tensor = graph.tensors[node.outputs[0]]
    flat = len(tensor.shape) == 2
    y = tensor.name if flat else model.fresh(f"{tensor.name}_flat")
    model.node("Gemm", [x, weight, bias], y, node.name, transB=1)
    if not flat:
        _reshape_to(model, y, tensor, model.fresh(f"{node.name}_reshape"))


def _reshape_to(model: _Model, x: str, tensor: Tensor, name: str) -> None:
    shape = np.array([-1 if size is None else size for size in tensor.shape], np.int64)
    model.node("Reshape", [x, model.constant(f"{name}_shape", shape)], tensor.name, name)


def _moved(model: _Model, graph: Graph, node: Node) -> None:
    """Reshape, Squeeze and Unsqueeze, as what they are: another shape."""
    _reshape_to(model, node.inputs[0], graph.tensors[node.outputs[0]], node.name)


def _clip(model: _Model, _graph: Graph, node: Node) -> None:
    limits = [model.constant(f"{node.name}_{key}", np.array(node.attrs[key], np.float32)) for key in ("low", "high")]
    model.node("Clip", [node.inputs[0], *limits], node.outputs[0], node.name)


def _activation(model: _Model, graph: Graph, node: Node) -> None:
    """An activation that ends the graph may have another shape than what it reads."""
    x, tensor = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    attrs = dict(node.attrs)
    if x.shape == tensor.shape:
        model.node(node.op, node.inputs, tensor.name, node.name, **attrs)
        return
    y = model.node(node.op, node.inputs, model.fresh(f"{tensor.name}_flat"), node.name, **attrs)
    _reshape_to(model, y, tensor, model.fresh(f"{node.name}_reshape"))


_SPECIAL: dict[str, Callable[[_Model, Graph, Node], None]] = {
    "Clip": _clip,
    "Linear": _linear,
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze"), _moved),
}
