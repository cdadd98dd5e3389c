"""The boot image: memories' words as Huffman codes, as docs/boot.md has it and emcc_boot.sv reads it."""

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from emcc.backends.rom import digits
from emcc.backends.rom.boot_layout import BootLayout, Slot
from emcc.backends.rom.image import RomImage
from emcc.base.errors import EmccError
from emcc.ir.graph import Array

FILE = "rom/boot.bin"
"""An artefact's image."""

MAGIC = b"EMCB"
VERSION = 1
WEIGHTS = 8
"""Bytes that say what the weights are."""

HEAD = 26
SEGMENT = 8
END = 7


def head(layout: BootLayout) -> bytes:
    """Return what an image for this array begins with: magic, version, structure, memories, first entry."""
    counts = len(layout.slots).to_bytes(2, "little") + layout.first.to_bytes(3, "little")
    return MAGIC + bytes([VERSION]) + layout.structure + counts


def weights(layout: BootLayout, images: Mapping[str, RomImage]) -> bytes:
    """Return 8 bytes that tell the words of all memories from others."""
    digest = hashlib.sha256()
    for slot in layout.slots:
        digest.update(images[slot.name].array().tobytes())
    return digest.digest()[:WEIGHTS]


def identity(image: bytes) -> bytes:
    """Return 16 bytes of an image: its structure, and what its weights are."""
    return image[5:13] + image[18:HEAD]


def write(layout: BootLayout, images: Mapping[str, RomImage]) -> bytes:
    """Return the boot image that fills these memories."""
    parts = [head(layout), weights(layout, images)]
    numbers = {slot.name: number for number, slot in enumerate(layout.slots)}
    for kind in dict.fromkeys(slot.kind for slot in layout.slots):
        slots = layout.kind(kind)
        symbols = [digits.digits(_coded(slot, images[slot.name]), slot.digits) for slot in slots]
        lengths = _lengths(symbols)
        for slot, mine in zip(slots, symbols, strict=True):
            parts.append(_described(slot, numbers[slot.name], tables=slot == slots[0]))
            if slot == slots[0]:
                parts += [digits.table_bytes(row) for row in lengths]
            tables = np.tile(digits.tables_of(slot.digits), slot.depth)
            parts.append(digits.encode(mine.reshape(-1), tables, lengths))
    data = b"".join(parts)
    data += len(data).to_bytes(4, "little")[:3]
    return data + zlib.crc32(data).to_bytes(4, "little")


def _described(slot: Slot, number: int, tables: bool) -> bytes:
    return (
        number.to_bytes(2, "little")
        + bytes([slot.width, slot.coded])
        + slot.depth.to_bytes(3, "little")
        + bytes([tables])
    )


def _coded(slot: Slot, image: RomImage) -> Array:
    """Return what is coded of a memory's words: of pointers the counts. ValueError where starts do not follow them."""
    words = np.asarray(image.values, np.uint64)
    if slot.coded == slot.width:
        return words
    counts = words & np.uint64((1 << slot.coded) - 1)
    if not np.array_equal(_pointers(slot, counts, int(words[0]) >> slot.coded), words):
        raise ValueError(f"{slot.name}: a column does not begin where the one before ends")
    return counts


def _pointers(slot: Slot, counts: Array, first: int) -> Array:
    """Return {start, count} of columns that follow each other."""
    starts = first + np.cumsum(counts.astype(np.int64)) - counts.astype(np.int64)
    starts &= (1 << (slot.width - slot.coded)) - 1
    return starts.astype(np.uint64) << np.uint64(slot.coded) | counts


def _lengths(symbols: list[Array]) -> Array:
    """Return codewords' lengths, int64 [4, 16], of the tables for a kind of memories' digits, each [words, digits]."""
    counts = np.zeros((digits.TABLES, digits.SYMBOLS), np.int64)
    for mine in symbols:
        for column, table in zip(mine.T, digits.tables_of(mine.shape[1]), strict=True):
            counts[table] += np.bincount(column, minlength=digits.SYMBOLS)
    return np.array([digits.lengths_of(row) for row in counts])


@dataclass(frozen=True)
class Boot:
    """What is in an image: which array it is for, what its weights are, each memory's words in the image's order."""

    structure: bytes
    weights: bytes
    memories: tuple[RomImage, ...]


def read(data: bytes) -> Boot:
    """Return what a boot image fills memories with; raise EmccError where it is damaged."""
    if len(data) < HEAD + END or data[:5] != MAGIC + bytes([VERSION]):
        _refuse(f"it does not begin as one of version {VERSION} does")
    body = data[:-4]
    if zlib.crc32(body).to_bytes(4, "little") != data[-4:]:
        _refuse("its CRC is wrong")
    if (len(body) - 3).to_bytes(4, "little")[:3] != body[-3:]:
        _refuse("its length is wrong")
    first = int.from_bytes(data[15:18], "little")
    memories = tuple(_memories(body[:-3], int.from_bytes(data[13:15], "little"), first))
    return Boot(data[5:13], data[18:HEAD], memories)


def _memories(body: bytes, count: int, first: int) -> Iterator[RomImage]:
    at, rows = HEAD, None
    for number in range(count):
        fields = body[at : at + SEGMENT]
        if len(fields) < SEGMENT or int.from_bytes(fields[:2], "little") != number or fields[7] > 1:
            _refuse(f"memory {number} is not where it should be")
        slot = Slot("", "", fields[2], fields[3], int.from_bytes(fields[4:7], "little"))
        if not 0 < slot.coded <= slot.width <= 64 or not 0 < slot.depth * slot.digits <= 1 << 32:
            _refuse(f"memory {number} has no size")
        at += SEGMENT
        if fields[7]:
            found = digits.read_tables(body, at)
            if found is None:
                _refuse(f"the tables of memory {number} are none")
            rows, at = found
        if rows is None or slot.depth * slot.digits > 8 * len(body):
            _refuse(f"memory {number} is not all there")
        tables = np.tile(digits.tables_of(slot.digits), slot.depth)
        decoded = digits.decode(body, at, tables, rows)
        if decoded is None:
            _refuse(f"memory {number} has a code that does not exist")
        symbols, at = decoded
        words = digits.words_of(symbols, slot.digits) & np.uint64((1 << slot.coded) - 1)
        yield RomImage(slot.width, words if slot.coded == slot.width else _pointers(slot, words, first))
    if at != len(body):
        _refuse("bytes are left over")


def _refuse(why: str) -> NoReturn:
    raise EmccError(f"not a boot image: {why}")
