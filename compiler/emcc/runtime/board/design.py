"""An artefact as its board has it: what crosses the line in which order, and the digest that both must have."""

from dataclasses import dataclass
from pathlib import Path

from emcc.backends.rom import flash
from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.eie.groups.plan import RECEIVE, SEND, HostRow
from emcc.eie.groups.schedule import plan
from emcc.eie.store import load_program
from emcc.files.artefact import changed, read_file, read_manifest
from emcc.ir.program import Program
from emcc.link.digest import LINK, PROGRAM, digest_of
from emcc.link.protocol import DIGEST_BYTES
from emcc.runtime.crossings import Crossing, crossings

LISTING = "rtl/uart.f"


@dataclass(frozen=True)
class BoardDesign:
    """What the host knows of a board's design.

    Attributes:
        program: with the formats. digest: in hex. image: the boot image, where the board takes one.
        rows: what crosses, in order: the row of the host's table, and whose it is.
    """

    program: Program
    digest: str
    rows: tuple[tuple[HostRow, Crossing], ...]
    image: bytes | None = None

    @property
    def known(self) -> str:
        """What the board has to say of itself, in hex: the digest's first half, or structure and weights."""
        return flash.identity(self.image).hex() if self.image else self.digest[: 2 * DIGEST_BYTES]

    @classmethod
    def of(cls, program: Program, digest: str, image: bytes | None = None) -> "BoardDesign":
        """Return the design of a Program."""
        moving = [row for row in plan(program).host if row.op in (RECEIVE, SEND)]
        return cls(program, digest, tuple(zip(moving, crossings(program), strict=True)), image)


def open_design(folder: Path) -> BoardDesign:
    """Open an artefact. EmccError where it is none, has no top for a serial line, or is not as it was compiled."""
    files = board_files(folder)
    return BoardDesign.of(load_program(folder / PROGRAM), digest_of(files), files.get(flash.FILE))


def board_files(folder: Path) -> dict[str, bytes]:
    """Return what an artefact has of a board: program.npz, rtl/ and rom/, checked by its digest. EmccError as above."""
    manifest = read_manifest(folder)
    names = [name for name in manifest["files"] if name == PROGRAM or name.startswith(("rtl/", "rom/"))]
    if LISTING not in names or LINK not in names:
        raise EmccError("has no top for a serial line", file=folder, hint="make it with `emcc compile`, not `compress`")
    files = {name: read_file(folder, name) for name in names}
    if digest_of(files) != manifest["design"]["digest"]:
        lines = [printable(name) for name in changed(folder, manifest)]
        raise EmccError("was changed since it was compiled", file=folder, details=lines, hint="compile it again")
    return files
