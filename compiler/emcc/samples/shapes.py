"""The shapes of a data file's arrays, of their headers alone."""

import zipfile
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.files import door
from emcc.files.arrays import DAMAGED, member

MOST = 256
"""Arrays that are looked at; a model has fewer inputs and outputs."""


def shapes_in(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array that can be read, by its name. Raises EmccError where the file is no .npz."""
    try:
        with door.opened(path) as file, zipfile.ZipFile(file) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()[:MOST] if name.endswith(".npy")]
            return {name: shape for name in names if (shape := _shape(archive, name)) is not None}
    except FileNotFoundError:
        raise EmccError("no such file", file=path) from None
    except DAMAGED as error:
        raise EmccError(f"not a readable .npz file: {printable(str(error))}", file=path) from None


def _shape(archive: zipfile.ZipFile, name: str) -> tuple[int, ...] | None:
    try:
        return member(archive, name).shape
    except DAMAGED:
        return None
