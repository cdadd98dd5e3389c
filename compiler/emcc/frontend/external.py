"""The bytes of a tensor that is stored outside the model's file: only from inside the model's own folder."""

import os
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath

import onnx

from emcc.base.errors import EmccError
from emcc.frontend.refusal import quoted


def external_bytes(tensor: onnx.TensorProto, path: Path, size: int) -> bytes:
    """Return the `size` bytes of `tensor` of the model `path`; raise EmccError where they are missing."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    subject = f"tensor {quoted(tensor.name)} is stored in {quoted(entries.get('location', ''))}"
    source = _inside(entries.get("location", ""), subject, path)
    offset = _number(entries.get("offset", "0"), "offset", subject, path)
    length = _number(entries.get("length", str(size)), "length", subject, path)
    present = source.stat().st_size
    if length != size:
        raise EmccError(
            f"{subject} as {length} bytes, but its dimensions make it {size}",
            file=path,
            hint="the model is damaged: export it again",
        )
    if offset + size > present:
        raise EmccError(
            f"{subject}, bytes {offset} to {offset + size}, but that file ends at {present}",
            file=path,
            hint="copy the whole data file, or export the model again",
        )
    with source.open("rb") as file:
        file.seek(offset)
        return file.read(size)


def external_size(graph: onnx.GraphProto, path: Path) -> int:
    """Return the bytes of all data files that the initialisers name; those that are not there, or outside, are none."""
    files = set()
    for tensor in graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
            with suppress(EmccError, OSError):
                files.add(_inside(location, "", path))
    return sum(file.stat().st_size for file in files)


def _inside(location: str, subject: str, path: Path) -> Path:
    """Return the file, proven to be a regular one inside the model's folder, links followed."""
    folder = Path(os.path.abspath(path)).parent.resolve()
    windows = PureWindowsPath(location)
    parts = {*PurePosixPath(location).parts, *windows.parts}
    bad = not location or "\0" in location or ".." in parts or location.startswith("/") or windows.anchor
    if bad or not (folder / location).resolve().is_relative_to(folder):
        raise EmccError(
            f"{subject}, which is not inside the model's folder",
            file=path,
            hint="put the data file beside the model and name it by a relative path",
        )
    source = (folder / location).resolve()
    if not source.is_file():
        raise EmccError(f"{subject}, which is not there", file=path, hint="copy the data file beside the model")
    return source


def _number(text: str, key: str, subject: str, path: Path) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise EmccError(
            f"{subject} with the {key} {quoted(text)}", file=path, hint="the model is damaged: export it again"
        )
    return int(text)
