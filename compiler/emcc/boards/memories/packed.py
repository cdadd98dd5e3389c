"""Images into a placed design, its bitstream, and the proof that they are in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emcc.backends.rom import RomImage
from emcc.base.errors import EmccError
from emcc.boards.board import Board
from emcc.boards.chain import BITSTREAMS, ROUTED, chain
from emcc.boards.memories.blocks import FORMATS
from emcc.boards.memories.placed import Placed, differing
from emcc.tools import packer
from emcc.tools.process import ToolError

UNPACKED = "unpacked.txt"


@dataclass(frozen=True)
class Packed:
    """A bitstream with its images; `rest`: the digest of all that is no memory in it. `log`: what the packer said."""

    bitstream: bytes
    rest: str
    log: str


def check_family(board: Board) -> None:
    """Raise EmccError where a board's bitstreams cannot be updated."""
    if board.part.family not in FORMATS:
        raise EmccError(
            f"the memories of {board.title}'s bitstream cannot be exchanged alone",
            details=["nothing here reads a bitstream of that family back, to prove that they are as they should be"],
            hint="leave out --updatable and --update: place and route again",
        )


def pack_images(
    placed: Placed, board: Board, images: Mapping[str, RomImage], work: Path, report: Callable[[str], object]
) -> Packed:
    """Return the bitstream of a placed design with these images, unpacked again and compared with them.

    Raises:
        ToolError: the packer fails, or what it wrote has other memories.
    """
    tools, family = chain(board), board.part.family
    routed, bitstream = ROUTED[family], BITSTREAMS[family]
    filled = placed.filled(images)
    (work / routed).write_text(filled, encoding="utf-8")
    log = packer.pack(tools.packer, tools.pack, routed, bitstream, cwd=work).output
    content = (work / bitstream).read_bytes()
    report(f"{tools.packer}: {bitstream}, {len(content):,} bytes")
    unpacker = packer.unpack(tools.packer, bitstream, UNPACKED, cwd=work)
    text = (work / UNPACKED).read_text("utf-8")
    try:
        wrong = differing(images, placed.images(text))
    except ValueError as error:
        raise ToolError(tools.packer, 0, "", reason=f"made another bitstream: {error}") from error
    if wrong:
        raise ToolError(tools.packer, 0, "", reason=f"made a bitstream with other memories: {', '.join(wrong[:4])}")
    report(f"{unpacker}: {len(images)} memories in the bitstream are those of rom/")
    return Packed(content, placed.rest(text), log)
