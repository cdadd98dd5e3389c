"""The images of a design that an update may exchange, and others of the same shapes to place it with."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from emcc.backends import rom
from emcc.backends.rom import RomImage, core_images
from emcc.backends.rom.core_images import FILES
from emcc.base.errors import EmccError
from emcc.boards.design import Design
from emcc.ir.graph import Array
from emcc.link.digest import LINK
from emcc.link.protocol import INFO_AT, MEMORY

KEPT = frozenset(FILES.values())
"""Tables that say what the array does: they are made of LUTs, and belong to a design's structure."""

_WIDTH_OF_LINK = 8
_TRIES = 200
_INCLUDED = ".svh"


@dataclass(frozen=True, order=True)
class Shape:
    """A memory: bits a word, words, the first word with a content; `ram` where the design writes it too."""

    width: int
    depth: int
    first: int = 0
    ram: bool = False

    @property
    def words(self) -> int:
        """Words that have a content."""
        return self.depth - self.first


def exchanged(design: Design) -> dict[str, RomImage]:
    """Return the images that an update exchanges, by their file's name in the artefact."""
    found = {f"rom/{name}.hex": image.width for name, image in core_images(design.program).items() if name not in KEPT}
    widths = {**found, LINK: _WIDTH_OF_LINK}
    return {
        name: rom.parse(design.files[name], "hex", width)
        for name, width in sorted(widths.items())
        if name in design.files
    }


def structure(design: Design) -> dict[str, str]:
    """Return what an update cannot exchange: the SHA-256 of its sources and of the tables in rom/, by file name.

    Sources are those on the board, with what they include: the AXI top's registers are not, and have a digest in them.
    """
    kept = {*design.names, *(f"rom/{name}.hex" for name in KEPT)}
    names = (name for name in sorted(design.files) if name in kept or name.endswith(_INCLUDED))
    return {name: hashlib.sha256(design.files[name]).hexdigest() for name in names}


def shape_of(name: str, image: RomImage) -> Shape:
    """Return the shape of the memory that an image of that name is in."""
    return Shape(image.width, MEMORY, INFO_AT, ram=True) if name == LINK else Shape(image.width, len(image))


def stand_in(name: str, shape: Shape) -> RomImage:
    """Return an image of noise, always the same for a name and a shape: of it Yosys can leave nothing out.

    Raises:
        EmccError: a memory of so few words has no such content.
    """
    return image_of(noise(name, shape, np.zeros((1, shape.words, shape.width), np.uint8)))


def noise(name: str, shape: Shape, turned: Array) -> Array:
    """Return noise, uint8 [words, width], no bit of which is the same in all words, also not with `turned` turned over.

    Args:
        turned: uint8 [n, words, width].

    Raises:
        EmccError: there is none: the memory has too few words.
    """
    seed = hashlib.sha256(f"{name} {shape.width} {shape.words}".encode()).digest()
    random = np.random.Generator(np.random.PCG64(int.from_bytes(seed[:8], "little")))
    bits = random.integers(0, 2, (shape.words, shape.width), np.uint8)
    for _ in range(_TRIES):
        seen = bits ^ turned
        bad = (seen.min(1) == seen.max(1)).any(0)
        if not bad.any():
            return bits
        bits[:, bad] = random.integers(0, 2, (shape.words, int(bad.sum())), np.uint8)
    raise EmccError(
        f"the design cannot be updated: a memory has {shape.words} words, which Yosys does not keep as a memory",
        file=name,
        hint="leave out --updatable",
    )


def stand_ins(images: Mapping[str, RomImage]) -> dict[str, RomImage]:
    """Return a stand-in for each image."""
    return {name: stand_in(name, shape_of(name, image)) for name, image in images.items()}


def bits_of(image: RomImage) -> Array:
    """Return an image's bits, the first word's lowest first: uint8 [words, width]."""
    return np.unpackbits(image.array(), axis=1, bitorder="little")[:, : image.width]


def image_of(bits: Array) -> RomImage:
    """Return the image of bits, uint8 [words, width]."""
    return RomImage.of_bytes(bits.shape[1], np.packbits(bits, axis=1, bitorder="little"))


def hex_of(images: Mapping[str, RomImage]) -> dict[str, bytes]:
    """Return images as the files that they are in an artefact."""
    return {name: rom.FORMATS["hex"].render(image) for name, image in images.items()}
