"""The facts of a model, and what is wrong with it as a whole."""

import math
from collections.abc import Collection, Container, Sequence
from pathlib import Path

import onnx
from onnx import TensorProto

from emcc.base.errors import EmccError
from emcc.frontend.external import external_size
from emcc.frontend.grids import BITS, INDEXED
from emcc.frontend.names import names_problem
from emcc.frontend.operands import Data
from emcc.frontend.refusal import quoted
from emcc.frontend.report import ModelFacts
from emcc.frontend.tensors import FLOATS, MOST_AXES, type_name
from emcc.frontend.topology import real_inputs, uses
from emcc.ir.graph import INDICES
from emcc.ops.operator import Shape

Axes = tuple[int | str, ...]

_WIDE = {
    kind: type_name(kind).lower()
    for kind in (TensorProto.BOOL, TensorProto.INT32, TensorProto.INT64, TensorProto.UINT32, TensorProto.UINT64)
}
"""Types of numbers that have no range of their own here."""

EXAMPLE = "224"
"""A size in an example."""

MOST_INPUTS = 1 << 24
"""Elements of an input, which are only declared: a shape beyond this is taken for a mistake, not for a plan."""


def facts_of(model: onnx.ModelProto, opset: int, path: Path) -> ModelFacts:
    """Return the facts of a model; `problems` is left empty."""
    graph = model.graph
    return ModelFacts(
        name=graph.name,
        ir_version=model.ir_version,
        opset=opset,
        producer=f"{model.producer_name} {model.producer_version}".strip(),
        inputs=tuple(_described(value) for value in real_inputs(graph)),
        outputs=tuple(_described(value) for value in graph.output),
        nodes=len(graph.node),
        parameters=sum(_elements(tensor) for tensor in graph.initializer if tensor.data_type in FLOATS),
        size=path.stat().st_size + external_size(graph, path),
    )


def _elements(tensor: onnx.TensorProto) -> int:
    """Return how many a tensor has; 0 where its dimensions are more than a file can have."""
    return math.prod(tensor.dims) if sum(size.bit_length() for size in tensor.dims) <= 64 else 0


def _described(value: onnx.ValueInfoProto) -> tuple[str, str, Axes]:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        return value.name, str(kind).removesuffix("_type"), ()
    return value.name, type_name(value.type.tensor_type.elem_type), axes_of(value) or ()


def axes_of(value: onnx.ValueInfoProto) -> Axes | None:
    """Return the stated axes: numbers, names, "?" for nothing or a negative number; None without a shape."""
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return None
    return tuple(
        int(axis.dim_value) if axis.HasField("dim_value") and axis.dim_value >= 0 else axis.dim_param or "?"
        for axis in value.type.tensor_type.shape.dim
    )


def input_data(value: onnx.ValueInfoProto) -> tuple[Data, int | None]:
    """Return the input as a computed tensor, and the number of samples it is fixed to or None.

    A vector of fixed size is one sample, without a batch axis.
    """
    axes, kind = axes_of(value), _kind(value)
    dtype = "float32" if kind in FLOATS else type_name(kind).lower()
    if axes and len(axes) == 1 and isinstance(axes[0], int) and axes[0] > 0:
        return Data((None, axes[0]), dtype, bare=True), 1
    if not axes or not 1 < len(axes) <= MOST_AXES or 0 in axes or any(isinstance(axis, str) for axis in axes[1:]):
        return Data(None, dtype), None
    shape: Shape = (None, *(int(axis) for axis in axes[1:]))
    return Data(shape, dtype), axes[0] if isinstance(axes[0], int) else None


def model_problems(model: onnx.ModelProto, path: Path, read: Container[str], cast: Container[str]) -> list[EmccError]:
    """Return why the model as a whole, its inputs of which the names `read` are read, is not one that emcc compiles.

    `cast`: see cast_to_floats.
    """
    graph, problems = model.graph, []
    inputs = real_inputs(graph)
    shadowing = [function.name for function in model.functions if function.domain in ("", "ai.onnx")]
    if shadowing:
        names = ", ".join(quoted(name) for name in shadowing[:8])
        problems.append(_error(path, f"redefines standard operators: {names}", "rename its functions"))
    if not inputs:
        problems.append(_error(path, "has no input", _NO_INPUT))
    inputs = [value for value in inputs if value.name in read] or inputs[:1]
    fixed = {
        value.name: axes[0] if len(axes) > 1 else 1
        for value in inputs
        if (axes := axes_of(value)) and isinstance(axes[0], int)
    }
    if len(set(fixed.values())) > 1:
        batches = ", ".join(f"{quoted(name)} {size}" for name, size in fixed.items())
        problems.append(_error(path, f"its inputs are for different numbers of samples: {batches}", _BATCH))
    hostile = names_problem(graph, path)
    problems.extend([hostile] if hostile else [])
    numbers = _read_as_numbers(graph)
    for value in inputs:
        taken = () if value.name in numbers else INDICES
        if problem := _input_problem(value, path, (*taken, *(_WIDE.values() if value.name in cast else ()))):
            problems.append(problem if value is inputs[0] else _error(path, problem.message, _CONSTANT))
    return problems


def cast_to_floats(graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto]) -> set[str]:
    """Return the inputs of integers or booleans that the nodes, in order, move about and cast to floats, or give to
    what does so itself, and read no otherwise.

    Numbers are given to them as to one of floats. Those of up to 16 bits keep their type's range (grids).
    """
    from_input = {value.name: value.name for value in real_inputs(graph) if _kind(value) in _WIDE}
    cast, otherwise = set[str](), {from_input[value.name] for value in graph.output if value.name in from_input}
    for node in nodes if from_input else ():
        for name in uses(node):
            if name not in from_input or node.op_type in ("Shape", "Size"):
                continue
            source = from_input[name]
            if node.op_type == "Cast":
                to = next((attribute.i for attribute in node.attribute if attribute.name == "to"), 0)
                (cast if to in FLOATS else otherwise).add(source)
            elif node.domain == "ai.onnx.ml" and node.op_type in _FLOATING:
                cast.add(source)
            elif node.op_type in INDEXED - {"Gather", "Slice"} and name == node.input[0]:
                from_input.update(dict.fromkeys(node.output, source))
            else:
                otherwise.add(source)
    return cast - otherwise


_FLOATING = frozenset({"LinearClassifier", "LinearRegressor", "Normalizer", "Scaler"})
"""Operators of ai.onnx.ml that take numbers of any kind and give floats."""


def _kind(value: onnx.ValueInfoProto) -> int:
    return int(value.type.tensor_type.elem_type) if value.type.HasField("tensor_type") else 0


_CONSTANT = "make a constant of it: an initializer of its name"
_NO_INPUT = "export it again, with its input among the inputs of the graph"


def _read_as_numbers(graph: onnx.GraphProto) -> set[str]:
    """Return the names that nodes read otherwise than to pick rows by them, or to move them about."""
    names: set[str] = set()
    for node in graph.node:
        if node.op_type == "Gather":
            names.update(node.input[:1])
        elif node.op_type not in {*INDEXED, "Shape", "Size"}:
            names.update(uses(node))
    return names


def _input_problem(value: onnx.ValueInfoProto, path: Path, taken: Collection[str]) -> EmccError | None:
    subject, axes, kind = f"input {quoted(value.name)}", axes_of(value), _kind(value)
    if kind not in FLOATS and type_name(kind).lower() not in (*BITS, *taken):
        return _error(path, f"{subject} is {_described(value)[1]}, not FLOAT", "export the model with a float input")
    shown = None if axes is None else list(axes)
    if axes is None:
        return _error(path, f"{subject} has no shape", "say which, with --shape or --data")
    if len(axes) > MOST_AXES:
        return _error(path, f"{subject} has {len(axes)} axes; emcc takes up to {MOST_AXES}", "is its shape right?")
    if 0 in axes:
        return _error(path, f"{subject} is {shown}: it has no elements", "give every axis its size")
    if len(axes) < 2 and not (axes and isinstance(axes[0], int)):
        return _error(path, f"{subject} is {shown}: it needs a batch axis in front of its features", _BATCH)
    if any(isinstance(axis, str) for axis in axes[1:]):
        return _error(
            path, f"{subject} is {shown}: only the first axis, the batch, may be open", _sizes_hint(value.name, axes)
        )
    if math.prod(int(axis) for axis in axes[1:]) > MOST_INPUTS:
        return _error(path, f"{subject} is {shown}: more than {MOST_INPUTS:,} elements a sample", "is its shape right?")
    return None


_BATCH = "export it with an input of [batch, features ...], every axis but the first a number"


def _sizes_hint(name: str, axes: Axes) -> str:
    sizes = "x".join(str(axis) if isinstance(axis, int) else EXAMPLE for axis in axes[1:])
    return f"say how large it is, e.g. --shape {quoted(f'{name}:1x{sizes}')}, or give --data of that size"


def _error(path: Path, message: str, hint: str) -> EmccError:
    return EmccError(message, file=path, hint=hint)
