"""Which tensor of a model is taken as its output: see docs/adr/0025."""

from collections.abc import Callable, Sequence
from pathlib import Path

import onnx

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.frontend.refusal import quoted
from emcc.frontend.tensors import FLOATS
from emcc.frontend.topology import real_inputs

SHOWN = 8
MOST = 64
"""Outputs that a model may have without naming those to take: each is looked at."""


def choose(
    graph: onnx.GraphProto, named: Sequence[str], plain: Callable[[str], bool], path: Path
) -> tuple[str, ...] | None:
    """Return the tensors that are taken as outputs; None where that is open.

    Those are the ones that are `named`, any computed tensors; or the only output; or those of several that are `plain`
    (float tensors that emcc can compute), or where none is, of which that could be. ZipMap, which puts names to
    probabilities, is seen through. Raises EmccError where the model has no tensor of that name.
    """
    computed = {name for node in graph.node for name in node.output if name}
    for name in named:
        if name not in computed:
            names = ", ".join(printable(value.name) for value in graph.output[:SHOWN])
            inputs = {value.name for value in real_inputs(graph)}
            reason = "is the model's input" if name in inputs else "is no tensor that the model computes"
            raise EmccError(f"--output {quoted(name)} {reason}", file=path, hint=f"its outputs are {names}")
    if named:
        return tuple(dict.fromkeys(before_zipmap(graph, name) for name in named))
    if len(graph.output) == 1:
        return (before_zipmap(graph, graph.output[0].name),)
    if len(graph.output) > MOST:
        hint = "name those to take with --output, once each"
        raise EmccError(f"has {len(graph.output):,} outputs; emcc looks at up to {MOST}", file=path, hint=hint)
    candidates = [before_zipmap(graph, value.name) for value in graph.output if _may_be_plain(graph, value)]
    return tuple(dict.fromkeys([name for name in candidates if plain(name)] or candidates)) or None


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


def several(graph: onnx.GraphProto, path: Path) -> EmccError:
    """Return the error for a model with several outputs none of which is of floats."""
    names = ", ".join(quoted(value.name) for value in graph.output[:SHOWN])
    return EmccError(
        f"has {len(graph.output)} outputs, and none of floats: {names}",
        file=path,
        hint="name the tensor that such an output is made of: --output NAME",
    )
