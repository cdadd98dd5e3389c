"""Which tensors of a model are taken as its outputs: see docs/adr/0025."""

from collections.abc import Callable
from pathlib import Path

import onnx

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.frontend.refusal import quoted
from emcc.frontend.tensors import FLOATS
from emcc.frontend.topology import real_inputs

SHOWN = 8


def choose(graph: onnx.GraphProto, named: str | None, plain: Callable[[str], bool], path: Path) -> tuple[str, ...]:
    """Return the tensors that are taken as the outputs; none where none can be.

    That is the one that is `named`, any computed tensor; or the only output; or those of several that are `plain`
    (float tensors that emcc can compute), or else all that could be. ZipMap, which puts names to probabilities, is seen
    through. Raises EmccError where the model has no tensor of that name.
    """
    if named is not None:
        computed = {name for node in graph.node for name in node.output if name}
        if named not in computed:
            names = ", ".join(printable(value.name) for value in graph.output[:SHOWN])
            inputs = {value.name for value in real_inputs(graph)}
            reason = "is the model's input" if named in inputs else "is no tensor that the model computes"
            raise EmccError(f"--output {quoted(named)} {reason}", file=path, hint=f"its outputs are {names}")
        return (before_zipmap(graph, named),)
    if len(graph.output) == 1:
        return (before_zipmap(graph, graph.output[0].name),)
    candidates = dict.fromkeys(
        before_zipmap(graph, value.name) for value in graph.output if _may_be_plain(graph, value)
    )
    return tuple(name for name in candidates if plain(name)) or tuple(candidates)


def before_zipmap(graph: onnx.GraphProto, name: str) -> str:
    """Return the tensor that a ZipMap makes `name` of, or `name`."""
    maker = next((node for node in graph.node if name in node.output), None)
    zipped = maker is not None and (maker.domain, maker.op_type) == ("ai.onnx.ml", "ZipMap")
    return str(maker.input[0]) if maker is not None and zipped and len(maker.input) == 1 else name


def _may_be_plain(graph: onnx.GraphProto, value: onnx.ValueInfoProto) -> bool:
    kind = value.type.WhichOneof("value")
    if kind in (None, "tensor_type"):
        return int(value.type.tensor_type.elem_type) in (0, *FLOATS)
    return bool(before_zipmap(graph, value.name) != value.name)


def none(graph: onnx.GraphProto, path: Path) -> EmccError:
    """Return the error for a model with several outputs of which none is a float tensor."""
    names = ", ".join(quoted(value.name) for value in graph.output[:SHOWN])
    first = printable(graph.output[0].name)
    return EmccError(
        f"has {len(graph.output)} outputs and none is a float tensor: {names}",
        file=path,
        hint=f"name the tensor to take: --output {first}",
    )


def exposed(model: onnx.ModelProto, name: str) -> bytes:
    """Return the model with tensor `name` as its only output."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.append(onnx.helper.make_value_info(name, onnx.TypeProto()))
    return bytes(copy.SerializeToString())
