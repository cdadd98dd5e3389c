"""A placed design whose memories can be exchanged: what of it is kept, and how contents get in and out."""

import gzip
import hashlib
import io
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.backends.rom import RomImage
from emcc.base.errors import EmccError
from emcc.boards.memories.blocks import FORMATS, Format
from emcc.boards.memories.images import Shape, bits_of, shape_of
from emcc.boards.memories.layout import ONE, ZERO, Layout
from emcc.files import arrays
from emcc.files.arrays import Member, member
from emcc.ir.graph import Array

CONFIG, LAYOUTS = "placed/config.gz", "placed/layouts.npz"
_LARGEST = 1 << 28
_MOST_BLOCKS = 1 << 14
DAMAGED = (*arrays.DAMAGED, KeyError, TypeError, AttributeError, RecursionError)
"""What `restored` raises of files that are damaged, or another's."""


@dataclass(frozen=True)
class Memory:
    """An image's memory: its shape, and the names in the text of each block of its layout; several hold the same."""

    shape: Shape
    blocks: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Placed:
    """A design as nextpnr left it, and where its memories are.

    Attributes:
        config: nextpnr's text, with other contents than the design's. memories: by an image's file name.
    """

    family: str
    config: str
    memories: Mapping[str, Memory]
    layouts: Mapping[Shape, Layout]

    @property
    def format(self) -> Format:
        """The family's text."""
        return FORMATS[self.family]

    def filled(self, images: Mapping[str, RomImage]) -> str:
        """Return the text with these images in it; they have the names and shapes of `memories`."""
        blocks: dict[str, Array] = {}
        for name, memory in self.memories.items():
            contents = self.layouts[memory.shape].filled(bits_of(images[name]))
            blocks |= {one: bits for names, bits in zip(memory.blocks, contents, strict=True) for one in names}
        return self.format.replace(self.config, blocks)

    def images(self, text: str) -> dict[str, list[Array]]:
        """Return what is in the memories of a text: uint8 [bits], of each place where an image is."""
        found, result = self.format.parse(text), {}
        for name, memory in self.memories.items():
            source = self.layouts[memory.shape].source
            if not all(one in found for names in memory.blocks for one in names):
                raise ValueError(f"blocks of {name} are not there")
            copies = len(memory.blocks[0])
            result[name] = [_taken(source, [found[names[i]] for names in memory.blocks]) for i in range(copies)]
        return result

    def rest(self, text: str) -> str:
        """Return a digest of all in a text that is no memory."""
        lines = [line for line in self.format.block.sub("", text).splitlines() if not line.startswith(".comment")]
        return hashlib.sha256("\n".join(line for line in lines if line.strip()).encode()).hexdigest()

    def files(self) -> dict[str, bytes]:
        """Return what is kept of it, by file name."""
        buffer = io.BytesIO()
        sources = {f"layout{number}": self.layouts[shape].source for number, shape in enumerate(sorted(self.layouts))}
        np.savez_compressed(buffer, allow_pickle=False, **sources)
        return {CONFIG: gzip.compress(self.config.encode(), 6, mtime=0), LAYOUTS: buffer.getvalue()}

    def to_json(self) -> dict[str, Any]:
        """Return the memories for the marker."""
        return {
            name: {"width": one.shape.width, "words": one.shape.words, "blocks": [list(names) for names in one.blocks]}
            for name, one in self.memories.items()
        }


def learned(family: str, config: str, stand_ins: Mapping[str, RomImage], layouts: Mapping[Shape, Layout]) -> Placed:
    """Return a design that was placed with these images in it, with the places where it has them.

    Raises:
        EmccError: an image is not, or not as a whole, in block RAMs.
    """
    at: dict[bytes, list[str]] = defaultdict(list)
    for name, bits in FORMATS[family].parse(config).items():
        at[bits.tobytes()].append(name)
    memories, missing = {}, []
    for name, image in stand_ins.items():
        shape = shape_of(name, image)
        contents = layouts[shape].filled(bits_of(image))
        blocks = tuple(tuple(at.get(bits.tobytes(), ())) for bits in contents)
        memories[name] = Memory(shape, blocks)
        if len({len(names) for names in blocks}) != 1 or not blocks[0]:
            missing.append(name)
    if missing:
        raise EmccError(
            "the design cannot be updated: some memories are not in block RAMs as they should be",
            details=missing[:10],
            hint="leave out --updatable",
        )
    return Placed(family, config, memories, layouts)


def restored(family: str, kept: Mapping[str, Any], shapes: Mapping[str, Shape], files: Mapping[str, bytes]) -> Placed:
    """Return what `files` and `to_json` had. One of DAMAGED where they are not that."""
    unpacker = zlib.decompressobj(wbits=31)
    config = unpacker.decompress(files[CONFIG], _LARGEST)
    if unpacker.unconsumed_tail:
        raise ValueError("too large")
    layouts, wide = {}, FORMATS[family].order().size
    with zipfile.ZipFile(io.BytesIO(files[LAYOUTS])) as archive:
        for number, shape in enumerate(sorted(set(shapes.values()))):
            layouts[shape] = Layout(_layout(member(archive, f"layout{number}"), shape, wide))
    memories = {
        name: Memory(shapes[name], tuple(tuple(str(one) for one in names) for names in facts["blocks"]))
        for name, facts in kept.items()
    }
    if memories.keys() != shapes.keys():
        raise ValueError("its memories are others")
    text = config.decode()
    there = FORMATS[family].parse(text).keys()
    for memory in memories.values():
        counts = {len(names) for names in memory.blocks}
        known = all(one in there for names in memory.blocks for one in names)
        if len(memory.blocks) != len(layouts[memory.shape].source) or len(counts) != 1 or 0 in counts or not known:
            raise ValueError("its blocks are others")
    return Placed(family, text, memories, layouts)


def _layout(found: Member, shape: Shape, wide: int) -> Array:
    """Return a layout's source, which is one of blocks of `wide` bits for a memory of that shape."""
    if found.dtype != np.int32 or len(found.shape) != 2 or found.shape[1] != wide or found.shape[0] > _MOST_BLOCKS:
        raise ValueError("a layout of another kind")
    source = found.read()
    if not ONE <= source.min(initial=ZERO) <= source.max(initial=ZERO) < shape.words * shape.width:
        raise ValueError("a layout of another memory")
    return source


def differing(images: Mapping[str, RomImage], found: Mapping[str, list[Array]]) -> list[str]:
    """Return the names of images that are not what is in a text."""
    return [
        name
        for name, image in images.items()
        if not all(np.array_equal(bits, bits_of(image).reshape(-1)) for bits in found[name])
    ]


def _taken(source: Array, blocks: list[Array]) -> Array:
    """Return a memory's bits out of its blocks."""
    bits = np.zeros(int(source.max(initial=ZERO)) + 1, np.uint8)
    for where, block in zip(source, blocks, strict=True):
        bits[where[where >= 0]] = block[where >= 0]
    return bits
