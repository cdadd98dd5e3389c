"""Sizes that a model's file leaves open: said by the user, or those of the data."""

from pathlib import Path

import onnx

from emcc.base.errors import EmccError
from emcc.base.text import for_path
from emcc.frontend.facts import axes_of
from emcc.frontend.refusal import quoted
from emcc.frontend.report import ONLY, Shapes, Sizes
from emcc.frontend.topology import real_inputs, uses

DATA = "x"
"""What data calls the only input."""


def put(shapes: Shapes, graph: onnx.GraphProto, path: Path) -> None:
    """Write the sizes into the inputs of `graph`.

    Raises EmccError where an input that is given is not there, or is given sizes that the file has otherwise.
    """
    inputs = [value for value in real_inputs(graph) if value.type.HasField("tensor_type")]
    read = {name for node in graph.node for name in uses(node)}
    inputs = [value for value in inputs if value.name in read] or inputs
    by_name = {value.name: value for value in inputs}
    for name, sizes in shapes.given.items():
        if name == ONLY and len(inputs) == 1:
            _give(inputs[0], sizes, path)
        elif name in by_name:
            _give(by_name[name], sizes, path)
        else:
            raise _unknown(name, list(by_name), path)
    for value in inputs:
        names = (value.name, for_path(value.name), *([DATA] if len(inputs) == 1 else []))
        found = next((shapes.held[name] for name in names if name in shapes.held), None)
        if found is not None and _fits(value, found):
            _write(value, (None, *found[1:]))


def _give(value: onnx.ValueInfoProto, sizes: Sizes, path: Path) -> None:
    axes = axes_of(value)
    if axes is not None and len(axes) != len(sizes):
        message = f"input {quoted(value.name)} has {len(axes)} axes, {list(axes)}, not the {len(sizes)} of --shape"
        raise EmccError(message, file=path, hint="give a size of every axis, the batch first")
    for axis, size in zip(axes or (), sizes, strict=False):
        if isinstance(axis, int) and size not in (None, axis):
            message = (
                f"input {quoted(value.name)} is {list(axes or ())} in the file, and --shape says {size} for {axis}"
            )
            raise EmccError(message, file=path, hint="give sizes of open axes alone, ? for the rest")
    _write(value, sizes)


def _fits(value: onnx.ValueInfoProto, found: Sizes) -> bool:
    """Return whether the data says something of axes behind the first that are open, and nothing against the file."""
    axes = axes_of(value)
    if axes is None:
        return len(found) > 1
    pairs = list(zip(axes, found, strict=False))[1:]
    return len(axes) == len(found) and all(size == axis or isinstance(axis, str) for axis, size in pairs)


def _write(value: onnx.ValueInfoProto, sizes: Sizes) -> None:
    shape = value.type.tensor_type.shape
    while len(shape.dim) < len(sizes):
        shape.dim.add()
    for axis, size in zip(shape.dim, sizes, strict=True):
        if size is not None:
            axis.dim_value = size


def _unknown(name: str, inputs: list[str], path: Path) -> EmccError:
    names = ", ".join(quoted(one) for one in inputs[:8]) or "none"
    if name == ONLY:
        message, hint = f"has {len(inputs)} inputs: {names}", "name the one that is meant: --shape NAME:1x3x224x224"
        return EmccError(message, file=path, hint=hint)
    return EmccError(f"has no input {quoted(name)}, only {names}", file=path, hint="give --shape one of these")
