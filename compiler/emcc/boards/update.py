"""New weights into a bitstream that is there: its memories are exchanged, and nothing is placed again."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emcc.backends.rom import RomImage
from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.boards import catalogue
from emcc.boards.board import Board
from emcc.boards.build import Report, working
from emcc.boards.chain import BITSTREAMS, chain
from emcc.boards.design import Design, read_design
from emcc.boards.marker import MARKER, read_marker
from emcc.boards.memories.images import exchanged, shape_of, structure
from emcc.boards.memories.packed import check_family, pack_images
from emcc.boards.memories.placed import CONFIG, DAMAGED, LAYOUTS, Placed, restored
from emcc.boards.options import BuildOptions
from emcc.boards.outcome import DONE
from emcc.boards.project import FOLDER, project
from emcc.boards.tried import failed
from emcc.files import door
from emcc.files.artefact import Artefact, facts_of, to_json
from emcc.files.manifest import is_plain
from emcc.tools import packer
from emcc.tools.process import ToolError


def update(folder: Path, options: BuildOptions, report: Report) -> None:
    """Put an artefact's memories into the bitstream of `folder`/boards/BOARD that `emcc bitstream --updatable` placed.

    Raises:
        EmccError: there is no such bitstream, or its files were changed; the artefact's structure, the board or the
            clock is another one; the packer is missing or fails; or the disk refuses. The folder is then as it was.
    """
    board, design = catalogue.board(options.board), read_design(folder)
    label = catalogue.label(options.board)
    check_family(board)
    packer.check(chain(board).packer)
    place = folder / FOLDER / label
    again = f"emcc bitstream {folder} --board {options.board} --updatable"
    facts = read_marker(place, again)
    if facts.get("status") != DONE or not isinstance(facts.get("placed"), dict):
        raise EmccError("has no bitstream that can be updated", file=place, hint=f"run `{again}` once")
    files = _files(place, facts, again)
    images = exchanged(design)
    _check_structure(place, facts["placed"], design, images, again)
    _check_board(place, board, design, label, options, facts, again)
    placed = restored_files(place, board.part.family, facts["placed"].get("memories"), images, files, again)
    with working() as work:
        try:
            packed = pack_images(placed, board, images, work, report)
        except ToolError as error:
            raise failed(error, place) from error
    if packed.rest != facts["placed"].get("rest"):
        raise EmccError("more than memories would change: these are other tools", file=place, hint=f"run `{again}`")
    files[BITSTREAMS[board.part.family]] = packed.bitstream
    files["logs/pack.log"] = packed.log.encode()
    known = {name: {} if name.startswith("logs/") else facts_of(content) for name, content in files.items()}
    marker = to_json({**facts, "artefact": design.digest, "files": known})
    Artefact({**files, MARKER: marker}).write(place, MARKER)


def _files(place: Path, facts: Mapping[str, Any], again: str) -> dict[str, bytes]:
    """Return the folder's files, as its marker has them. EmccError where one is missing or changed."""
    known, files, wrong = facts.get("files"), {}, []
    for name, wanted in known.items() if isinstance(known, dict) else ():
        content = _content(place, str(name))
        digest = wanted.get("sha256") if isinstance(wanted, dict) else None
        logged = str(name).startswith("logs/")
        if content is None or not (logged or digest == hashlib.sha256(content).hexdigest()):
            wrong += [] if logged else [printable(str(name))]
        else:
            files[str(name)] = content
    if wrong or CONFIG not in files or LAYOUTS not in files:
        raise EmccError("changed since it was made, or missing", file=place, details=wrong[:10], hint=f"run `{again}`")
    return files


def _content(place: Path, name: str) -> bytes | None:
    try:
        return door.read_inside(place, name) if is_plain(name) else None
    except OSError:
        return None


def _check_structure(
    place: Path, placed: Mapping[str, Any], design: Design, images: Mapping[str, RomImage], again: str
) -> None:
    """Raise EmccError where the artefact differs from the one that was placed by more than its memories' contents."""
    had, have = placed.get("structure"), structure(design)
    had = had if isinstance(had, dict) else {}
    lines = [printable(name) for name in sorted({*had, *have}, key=str) if had.get(name) != have.get(name)]
    sizes = placed.get("memories")
    sizes = sizes if isinstance(sizes, dict) else {}
    for name in sorted({*sizes, *images}, key=str):
        there, shape = sizes.get(name), shape_of(name, images[name]) if name in images else None
        was = (there.get("words"), there.get("width")) if isinstance(there, dict) else (0, 0)
        now = (shape.words, shape.width) if shape else (0, 0)
        if was != now:
            words = [f"{number[0]} words of {number[1]} bits" for number in (was, now)]
            lines.append(printable(f"{name}: {words[0]} there, {words[1]} now", 200))
    if lines:
        raise EmccError(
            "the artefact's structure is another one: not only what is in its memories",
            file=place,
            details=lines[:10],
            hint=f"run `{again}`",
        )


def _check_board(
    place: Path, board: Board, design: Design, label: str, options: BuildOptions, facts: Mapping[str, Any], again: str
) -> None:
    """Raise EmccError where the board, its pins or its clock are not those that were placed."""
    clock, known = facts.get("clock"), facts["files"]
    placed_hz = clock.get("hz") if isinstance(clock, dict) else None
    made = project(board, design, label, options.hz or (placed_hz if type(placed_hz) is int else None), True)
    if made.hz != placed_hz:
        raise EmccError(f"was placed for another clock than {made.hz / 1e6:g} MHz", file=place, hint=f"run `{again}`")
    differ = [name for name, content in made.files.items() if known.get(name, {}).get("sha256") != _sha(content)]
    if differ:
        raise EmccError("was placed for another board", file=place, details=differ, hint=f"run `{again}`")


def restored_files(
    place: Path, family: str, kept: Any, images: Mapping[str, RomImage], files: Mapping[str, bytes], again: str
) -> Placed:
    """Return a placed design whose memories are those of `images`. EmccError where it is damaged, or another's.

    `kept`: what its marker has of the memories; `again`: the command that makes another.
    """
    shapes = {name: shape_of(name, image) for name, image in images.items()}
    odd = [printable(name) for name, image in images.items() if len(image) != shapes[name].words]
    if odd:
        raise EmccError("has images of another length", details=odd[:10], file=place, hint="compile the model again")
    try:
        return restored(family, kept, shapes, files)
    except DAMAGED as error:
        raise EmccError("cannot be read", file=place, hint=f"run `{again}`") from error


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
