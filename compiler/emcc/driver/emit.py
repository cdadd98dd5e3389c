"""Program -> what is emitted: rtl/ and rom/, and what the manifest says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emcc.backends import rom, verilog
from emcc.backends.rom import RomImage
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.eie.memory import Memory
from emcc.ir.program import Program
from emcc.runtime.designs import Design


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


def emit(program: Program, tried: Sequence[tuple[int, float]] = ()) -> Emitted:
    """Emit a Program. `tried`: see eie.groups.choice.

    Raises:
        EmccError: it is larger than any memory.
    """
    planned = plan(program)
    images = rom.core_images(program, planned)
    files = {**verilog.render_core(program, planned), **rom.render(images, "hex")}
    shape = Design(program, planned).shape
    design = {
        **{"groups": program.groups, "lanes": program.lanes, "passes": len(planned.passes)},
        **{"turns": list(shape.turns), "tried": [list(row) for row in tried]},
    }
    return Emitted(images, files, design, core_memories(Context(program, planned)))
