"""A bitstream onto its board: which file, and what openFPGALoader is told."""

import hashlib
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.boards import catalogue
from emcc.boards.board import Board
from emcc.boards.chain import BITSTREAMS
from emcc.boards.marker import read_marker
from emcc.boards.outcome import DONE
from emcc.boards.project import FOLDER
from emcc.files.artefact import MANIFEST, hashed, read_file, read_manifest


def arguments(folder: Path, name: str, permanent: bool) -> list[str]:
    """Return openFPGALoader's arguments for an artefact's bitstream on a board.

    Args:
        permanent: into the board's flash; else into the part, until the power goes.

    Raises:
        EmccError: there is no bitstream, or it is of another artefact or changed; or openFPGALoader cannot do that.
    """
    board = catalogue.board(name)
    read_manifest(folder)
    if board.loader is None:
        raise EmccError(f"openFPGALoader does not know the board {board.title}", hint="use its vendor's tool")
    if permanent and board.flash is None:
        raise EmccError(f"the FPGA of {board.title} boots from no flash of its own", hint="leave out --permanent")
    place = folder / FOLDER / catalogue.label(name)
    file = place / BITSTREAMS[board.part.family]
    _check(folder, place, file, board, f"emcc bitstream {folder} --board {name}")
    return ["-b", board.loader, *(["-f"] if permanent else []), str(file)]


def _check(folder: Path, place: Path, file: Path, board: Board, command: str) -> None:
    """Raise EmccError where `file` is not the bitstream of the artefact in `folder`."""
    facts, again = read_marker(place, command), f"run `{command}`"
    if facts.get("artefact") != hashlib.sha256(read_file(folder, MANIFEST)).hexdigest():
        raise EmccError("is of another artefact than the one there now", file=place, hint=again)
    if board.xilinx:
        if not file.is_file():
            raise EmccError(
                "is not there", file=file, hint=f"Vivado makes it: vivado -mode batch -source {place}/build.tcl"
            )
        return
    if facts.get("status") != DONE:
        raise EmccError("has no bitstream: the last run did not come to its end", file=place, hint=again)
    known = facts.get("files")
    wanted = known.get(file.name) if isinstance(known, dict) else None
    digest = hashed(folder, file.relative_to(folder).as_posix())
    if not isinstance(wanted, dict) or digest is None or wanted.get("sha256") != digest:
        raise EmccError("changed since it was made, or missing", file=file, hint=again)
