"""Which memories of an array a boot image fills, and what else such an image has to fit."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from emcc.backends.rom.image import RomImage

KINDS = ("ptr", "spmat", "bias", "scale")
"""Of memories that are filled, in the order of the image: two a PE, then one or two a lane."""

DIGIT = 4
"""Bits of a coded symbol."""


@dataclass(frozen=True)
class Slot:
    """A memory: its image's name, its kind, bits a word, bits of it that are coded, words."""

    name: str
    kind: str
    width: int
    coded: int
    depth: int

    @property
    def digits(self) -> int:
        """Symbols a word."""
        return -(-self.coded // DIGIT)


@dataclass(frozen=True)
class BootLayout:
    """All memories in the order of the image.

    Attributes:
        structure: 8 bytes that say what array it is: its numbers, and the memories that an image does not fill.
        first: where the entries of each PE's first column begin.
    """

    structure: bytes
    first: int
    slots: tuple[Slot, ...]

    @classmethod
    def of(cls, numbers: Mapping[str, int], images: Mapping[str, RomImage]) -> "BootLayout":
        """Return the layout of an array with these numbers of emcc_cfg_pkg.sv and these memories."""
        filled = [(kind, name) for kind in KINDS for name in images if name.endswith(f"_{kind}")]
        slots = tuple(_slot(kind, name, images[name], numbers["CountW"]) for kind, name in filled)
        kept = {name: image for name, image in images.items() if name not in {slot.name for slot in slots}}
        first = {int(images[slot.name].values[0]) >> slot.coded for slot in slots if slot.kind == "ptr"}
        if len(first) != 1:
            raise ValueError(f"PEs begin at different entries: {sorted(first)}")
        return cls(_structure(numbers, kept, slots), first.pop(), slots)

    @property
    def names(self) -> frozenset[str]:
        """The images of the memories."""
        return frozenset(slot.name for slot in self.slots)

    def kind(self, name: str) -> tuple[Slot, ...]:
        """Return the memories of a kind."""
        return tuple(slot for slot in self.slots if slot.kind == name)


def _slot(kind: str, name: str, image: RomImage, count_w: int) -> Slot:
    return Slot(name, kind, image.width, count_w if kind == "ptr" else image.width, len(image))


def _structure(numbers: Mapping[str, int], kept: Mapping[str, RomImage], slots: tuple[Slot, ...]) -> bytes:
    sizes = [[slot.name, slot.width, slot.coded, slot.depth] for slot in slots]
    digest = hashlib.sha256(json.dumps([dict(numbers), sizes], sort_keys=True).encode())
    for name in sorted(kept):
        digest.update(f"{name} {kept[name].width} {len(kept[name])}\n".encode() + kept[name].array().tobytes())
    return digest.digest()[:8]
