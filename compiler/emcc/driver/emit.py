"""Program -> what is emitted: rtl/ and rom/, and what the manifest says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emcc.backends import rom, verilog
from emcc.backends.client import render_client
from emcc.backends.rom import RomImage, flash
from emcc.backends.verilog.uart import FILES
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.eie.memory import Memory
from emcc.ir.program import Program
from emcc.link import protocol
from emcc.link.digest import LINK
from emcc.link.render import memory
from emcc.runtime.designs import Design

BOOT = flash.FILE


@dataclass(frozen=True)
class Emitted:
    """What is emitted.

    Attributes:
        images: ROM images by name. files: rtl/ and rom/.
        design: for the manifest's "design". memory: every memory there is.
    """

    images: Mapping[str, RomImage]
    files: Mapping[str, bytes]
    design: Mapping[str, Any]
    memory: tuple[Memory, ...]


def memory_of(program: Program) -> tuple[Memory, ...]:
    """Return every memory of the array that runs a Program; EmccError where it is larger than any."""
    return core_memories(Context(program, plan(program)))


def emit(program: Program, tried: Sequence[tuple[int, float]] = (), weights: str = "rom") -> Emitted:
    """Emit a Program. `tried`: see eie.groups.choice; `weights`: see EmitOptions.

    Raises:
        EmccError: it is larger than any memory.
    """
    context = Context(program, plan(program))
    images = rom.core_images(program, context.plan)
    boot = rom.BootLayout.of(context.numbers, images) if weights == "boot" else None
    filled = boot.names if boot else frozenset()
    kept = {name: image for name, image in images.items() if name not in filled}
    files = {**verilog.render_rtl(context, boot), **rom.render(kept, "hex")}
    streamed = {}
    if boot:
        files[BOOT] = flash.write(boot, images)
        streamed = {"boot_bytes": len(files[BOOT]), "boot_structure": boot.structure.hex()}
    shape = Design(program, context.plan).shape
    design = {
        **{"groups": program.groups, "lanes": program.lanes, "passes": len(context.plan.passes)},
        **{"turns": list(shape.turns), "tried": [list(row) for row in tried], **streamed},
    }
    return Emitted(images, files, design, core_memories(context))


def of_board(program: Program, files: Mapping[str, bytes], digest: str) -> Mapping[str, bytes]:
    """Return what a board and its host have beside `files`, where these have its top: the link's memory, host/."""
    if FILES not in files:
        return {}
    image = files.get(BOOT)
    structure = flash.identity(image)[: protocol.IDENTITY].hex() if image else ""
    known = flash.identity(image).hex() if image else digest
    link = memory(program.act_w, digest, structure)
    return {LINK: link, **render_client(program, known, loads=image is not None)}
