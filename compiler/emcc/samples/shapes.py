"""The shapes of a data file's arrays, of their headers alone."""

import zipfile
from pathlib import Path

from emcc.files.arrays import DAMAGED, member
from emcc.samples.load import opened

MOST = 256
"""Arrays that are looked at; a model has fewer inputs and outputs."""


def shapes_in(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array that can be read, by its name. Raises EmccError where the file is no .npz."""
    with opened(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()[:MOST] if name.endswith(".npy")]
        return {name: shape for name in names if (shape := _shape(archive, name)) is not None}


def _shape(archive: zipfile.ZipFile, name: str) -> tuple[int, ...] | None:
    try:
        return member(archive, name).shape
    except DAMAGED:
        return None
