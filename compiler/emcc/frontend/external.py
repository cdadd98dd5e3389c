"""The bytes of a tensor that is stored outside the model's file: only from inside the model's own folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath, PureWindowsPath

import onnx

from emcc.base.errors import EmccError
from emcc.files import door
from emcc.frontend.refusal import quoted

_BESIDE = "copy the data file beside the model"


def external_bytes(tensor: onnx.TensorProto, path: Path, size: int) -> bytes:
    """Return the `size` bytes of `tensor` of the model `path`; raise EmccError where they are missing."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    subject = f"tensor {quoted(tensor.name)} is stored in {quoted(entries.get('location', ''))}"
    source = _inside(entries.get("location", ""), subject, path)
    offset = _number(entries.get("offset", "0"), "offset", subject, path)
    length = _number(entries.get("length", str(size)), "length", subject, path)
    if length != size:
        raise EmccError(
            f"{subject} as {length} bytes, but its dimensions make it {size}",
            file=path,
            hint="the model is damaged: export it again",
        )
    with _reading(subject, path), door.opened(source) as file:
        present = os.fstat(file.fileno()).st_size
        if offset + size > present:
            raise EmccError(
                f"{subject}, bytes {offset} to {offset + size}, but that file ends at {present}",
                file=path,
                hint="copy the whole data file, or export the model again",
            )
        file.seek(offset)
        return file.read(size)


@contextmanager
def _reading(subject: str, path: Path) -> Iterator[None]:
    """Turn what the system says of the data file into an EmccError."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # resolve() raises RuntimeError for links in a ring, up to Python 3.12
        cause = getattr(error, "strerror", None) or "its links lead in a ring"
        raise EmccError(f"{subject}, which cannot be read: {cause}", file=path, hint=_BESIDE) from None


def external_size(graph: onnx.GraphProto, path: Path) -> int:
    """Return the bytes of all data files that the initialisers name; those that are not there, or outside, are none."""
    sizes: dict[Path, int] = {}
    for tensor in graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
            with suppress(EmccError, OSError):
                file = _inside(location, "", path)
                sizes[file] = file.stat().st_size
    return sum(sizes.values())


def _inside(location: str, subject: str, path: Path) -> Path:
    """Return the file, proven to be a regular one inside the model's folder, links followed."""
    folder = Path(os.path.abspath(path)).parent.resolve()
    windows = PureWindowsPath(location)
    parts = {*PurePosixPath(location).parts, *windows.parts}
    bad = not location or "\0" in location or ".." in parts or location.startswith("/") or windows.anchor
    with _reading(subject, path):
        source = folder if bad else (folder / location).resolve()
        there = source.is_file()
    if bad or not source.is_relative_to(folder):
        raise EmccError(
            f"{subject}, which is not inside the model's folder",
            file=path,
            hint="put the data file beside the model and name it by a relative path",
        )
    if not there:
        raise EmccError(f"{subject}, which is not there", file=path, hint=_BESIDE)
    return source


def _number(text: str, key: str, subject: str, path: Path) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise EmccError(
            f"{subject} with the {key} {quoted(text)}", file=path, hint="the model is damaged: export it again"
        )
    return int(text)
