"""Program -> what is emitted for its array: rtl/ and rom/, and what the manifest says of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from emcc.backends import rom, verilog
from emcc.backends.rom import RomImage
from emcc.eie import descriptor
from emcc.eie.hardware import CHAIN, array
from emcc.eie.layout import Layout
from emcc.eie.memory import Memory, memories
from emcc.ir.program import Program


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


def emit(program: Program) -> Emitted:
    """Emit a Program for the array that runs it. EmccError where it is larger than any memory."""
    images = rom.images(program)
    files = {**verilog.render(program), **rom.render(images, "hex")}
    assert array(program) == CHAIN
    layout = Layout(program)
    design = {"array": CHAIN, "in_words": program.in_words, "out_words": program.out_words}
    return Emitted(images, files, design, memories(layout), _tables(program, layout))


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
