"""A file -> ModelProto, with nothing believed but that it parses. External data is not touched."""

from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from emcc.base.errors import EmccError
from emcc.files import door

EXPORT_HINT = "give the .onnx file that the exporter wrote, e.g. by torch.onnx.export(model, x, 'model.onnx')"
OLDEST_OPSET = 6
LARGEST = 1 << 31
"""Bytes of a model's file, which protobuf bounds by as many."""

CONVERT = (
    "export it again with a newer opset; or give every axis of its inputs and outputs a number, the batch 1, and "
    "convert it: onnx.version_converter.convert_version(model, 13)"
)


def read(path: Path) -> onnx.ModelProto:
    """Return the file's model, which has a graph with nodes and outputs; raise EmccError where there is none."""
    if path.is_dir():
        raise EmccError("is a folder, not an ONNX model", file=path, hint=EXPORT_HINT)
    if not path.exists():
        raise EmccError("there is no such file", file=path, hint="check the path")
    try:
        data = door.read(path, LARGEST)
    except OSError as error:
        raise EmccError(f"cannot be read: {error.strerror}", file=path, hint="check its permissions") from None
    if not data:
        raise EmccError("is empty", file=path, hint=EXPORT_HINT)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, RuntimeError, ValueError):
        raise EmccError("is not an ONNX model, or is cut short", file=path, hint=EXPORT_HINT) from None
    if not _all_text(model):
        raise EmccError("holds names that are not UTF-8 text: it is damaged", file=path, hint=EXPORT_HINT)
    if not model.HasField("graph") or not model.graph.node:
        raise EmccError("holds no ONNX graph: it has no nodes", file=path, hint=EXPORT_HINT)
    if not model.graph.output:
        raise EmccError("its graph has no output", file=path, hint="export it again, with its output named")
    return model


def _all_text(message: Any) -> bool:
    """Return whether every string in it, however deep, is text (protobuf gives bytes where one is not UTF-8)."""
    for field, value in message.ListFields():
        values = (value,) if isinstance(value, str | bytes) or hasattr(value, "ListFields") else value
        if field.type == field.TYPE_STRING and not all(isinstance(text, str) for text in values):
            return False
        if field.type == field.TYPE_MESSAGE and not all(_all_text(part) for part in values):
            return False
    return True


def opset_of(model: onnx.ModelProto, path: Path) -> int:
    """Return the version of the default operator domain; raise EmccError where this onnx does not know it."""
    versions = {entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")}
    newest = onnx.defs.onnx_opset_version()
    if len(versions) != 1:
        raise EmccError(
            f"states {len(versions)} opset versions for the default operators, not one",
            file=path,
            hint=f"export it again, with an opset from {OLDEST_OPSET} to {newest}",
        )
    (version,) = versions
    if version < OLDEST_OPSET:
        raise EmccError(
            f"uses opset {version}; emcc reads {OLDEST_OPSET} to {newest}",
            file=path,
            hint=CONVERT,
        )
    if version > newest:
        raise EmccError(
            f"uses opset {version}, which onnx {onnx.__version__} does not know yet (its newest is {newest})",
            file=path,
            hint=f"pip install --upgrade onnx, or export it with opset {newest} or older",
        )
    return int(version)
