"""The files of the RTL library that a design is made of."""

from collections.abc import Iterable

from emcc.resources import folder

HEADER = "emcc_assert.svh"
"""What modules include: it stands beside them and is no file of its own."""


def library(names: Iterable[str]) -> dict[str, bytes]:
    """Return modules by their file's name in an artefact, and the header that they include."""
    return {f"rtl/{name}": (folder("rtl") / name).read_bytes() for name in (HEADER, *(f"{name}.sv" for name in names))}
