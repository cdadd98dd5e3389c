"""Program -> what is emitted for its array: rtl/ and rom/, and what the manifest says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from emcc.backends import rom, verilog
from emcc.backends.rom import RomImage
from emcc.eie import descriptor
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.eie.hardware import CHAIN, GROUPS, array
from emcc.eie.layout import Layout
from emcc.eie.memory import Memory, memories
from emcc.ir.program import Program
from emcc.runtime.designs import Grouped


@dataclass(frozen=True)
class Emitted:
    """What is emitted.

    Attributes:
        images: ROM images by name. files: rtl/ and rom/.
        design: for the manifest's "design". memory: every memory there is. more: other parts of the manifest.
    """

    images: Mapping[str, RomImage]
    files: Mapping[str, bytes]
    design: Mapping[str, Any]
    memory: tuple[Memory, ...]
    more: Mapping[str, Any]


def memory_of(program: Program) -> tuple[Memory, ...]:
    """Return every memory of the array that runs a Program; EmccError where it is larger than any."""
    if array(program) == CHAIN:
        return memories(Layout(program))
    return core_memories(Context(program, plan(program)))


def emit(program: Program, tried: Sequence[tuple[int, float]] = ()) -> Emitted:
    """Emit a Program for the array that runs it. `tried`: see eie.groups.choice.

    Raises:
        EmccError: it is larger than any memory.
    """
    return _chain(program) if array(program) == CHAIN else _groups(program, tried)


def _chain(program: Program) -> Emitted:
    images = rom.images(program)
    files = {**verilog.render(program), **rom.render(images, "hex")}
    layout = Layout(program)
    design = {"array": CHAIN, "in_words": program.in_words, "out_words": program.out_words}
    return Emitted(images, files, design, memories(layout), _tables(program, layout))


def _groups(program: Program, tried: Sequence[tuple[int, float]]) -> Emitted:
    planned = plan(program)
    images = rom.core_images(program, planned)
    files = {**verilog.render_core(program, planned), **rom.render(images, "hex")}
    shape = Grouped(program, planned).shape
    design = {
        **{"array": GROUPS, "groups": program.groups, "lanes": program.lanes, "passes": len(planned.passes)},
        **{"turns": list(shape.turns), "tried": [list(row) for row in tried]},
    }
    return Emitted(images, files, design, core_memories(Context(program, planned)), {})


def _tables(program: Program, layout: Layout) -> dict[str, Any]:
    """The chain's descriptor and where each layer lies."""
    places = zip(program.layers, layout.placements, strict=True)
    return {
        "descriptor": [
            {"field": place.field.name, "at": place.at, "width": place.width, "says": place.field.doc}
            for place in descriptor.places(layout)
        ],
        "memory_map": [{"layer": layer.name, **asdict(at)} for layer, at in places],
    }
