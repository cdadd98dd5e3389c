"""An artefact as a board's project takes it: checked, with its sources in order."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.boards import catalogue
from emcc.eie.store import load_program
from emcc.files.artefact import MANIFEST, changed, read_file, read_manifest
from emcc.ir.program import Program

LISTING = "rtl/uart.f"
"""Lists all that emcc_uart_top is made of, in order."""

_NAME = re.compile(r"rtl/[A-Za-z0-9_]+\.sv")
_AGAIN = "compile the model again"


@dataclass(frozen=True)
class Design:
    """What an artefact brings.

    Attributes:
        names: the sources of emcc_uart_top, in order. files: rtl/ and rom/, by name.
        digest: SHA-256 of the manifest, in hex.
    """

    manifest: Mapping[str, Any]
    names: tuple[str, ...]
    files: Mapping[str, bytes]
    program: Program
    digest: str

    @property
    def streamed(self) -> bool:
        """Whether its weights come as a boot image."""
        return "boot_structure" in self.manifest["design"]


def read_design(folder: Path) -> Design:
    """Read an artefact that emcc compiled.

    Raises:
        EmccError: it is none, or of another version, or not as it was compiled, or has no serial port.
    """
    manifest = read_manifest(folder)
    if manifest.get("kind") == "compressed":
        raise EmccError("is of `emcc compress`, which makes no hardware", file=folder, hint="use `emcc compile`")
    wrong = changed(folder, manifest)
    if wrong:
        shown = [printable(name) for name in wrong[:10]]
        raise EmccError("changed since it was compiled, or missing", file=folder, details=shown, hint=_AGAIN)
    files = {name: read_file(folder, name) for name in sorted(manifest["files"]) if name.startswith(("rtl/", "rom/"))}
    names = _listed(files)
    digest = hashlib.sha256(read_file(folder, MANIFEST)).hexdigest()
    return Design(manifest, names, files, load_program(folder / "program.npz"), digest)


def board_of(folder: Path) -> str:
    """Return the name of the board that an artefact was compiled for.

    Raises:
        EmccError: it is none, or was compiled for no board, or for one that a user's file describes.
    """
    board = read_manifest(folder).get("board")
    if board is None:
        raise EmccError(
            "was compiled for no board", file=folder, hint="say which with --board; `emcc boards` lists them"
        )
    if board["own"] or board["name"] not in catalogue.names():
        raise EmccError(
            f"was compiled for the board of a file, {printable(board['name'], 70)}{catalogue.SUFFIX}",
            file=folder,
            hint="give that file with --board",
        )
    return str(board["name"])


def _listed(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the sources that LISTING names. Raise EmccError where it, or one of them, is missing or oddly named."""
    if LISTING not in files:
        raise EmccError("the artefact has no serial port", file=LISTING, hint=_AGAIN)
    lines = (line.strip() for line in files[LISTING].decode("utf-8", "replace").splitlines())
    names = tuple(line for line in lines if line and not line.startswith(("//", "#")))
    strange = [printable(name) for name in names if not _NAME.fullmatch(name) or name not in files]
    if strange or not names:
        raise EmccError("lists files that are not there", file=LISTING, details=strange[:10], hint=_AGAIN)
    return names
