"""The frame of a model.emc: magic, header, sections, and a checksum each."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from emcc.container import skeleton as skeletons
from emcc.container.bits import FormatError
from emcc.container.fields import FieldReader
from emcc.container.skeleton import Skeleton
from emcc.container.varint import read_uint, uint
from emcc.errors import EmccError

MAGIC = b"EMC"
VERSION = 2
_CRC = 4
_DIRECTORY_ROW = 1 + _CRC


def section_names(layers: int, tables: int) -> list[str]:
    """The sections after the header, in order."""
    names = ["tables"] if tables else []
    return names + [f"layer {i}" for i in range(1, layers + 1)]


def frame(skeleton: Skeleton, sections: list[bytes]) -> bytes:
    """magic, version, uint size of the header; header; its checksum; the sections.

    The header is the skeleton's fields, then a row a section: uint size, checksum of name and content.
    """
    fields = skeletons.write(skeleton)
    names = section_names(len(skeleton.layers), len(skeleton.tables))
    for name, content in zip(names, sections, strict=True):
        fields.uint(len(content))
        fields.raw(_checksum(name, content))
    header = fields.bytes()
    front = MAGIC + bytes([VERSION]) + uint(len(header)) + header
    return front + _checksum("header", front) + b"".join(sections)


def unframe(data: bytes, file: object | None = None) -> tuple[Skeleton, dict[str, bytes]]:
    """(the header's content, the sections by name), all checksums checked."""
    if data[: len(MAGIC)] != MAGIC:
        raise EmccError("is not an .emc file: it does not begin with 'EMC'", file=file)
    if len(data) > len(MAGIC) and data[len(MAGIC)] != VERSION:
        hint = f"it was written by {'a newer' if data[len(MAGIC)] > VERSION else 'an older'} emcc, or is damaged"
        raise EmccError(f"is version {data[len(MAGIC)]} of the format, this emcc reads {VERSION}", file=file, hint=hint)
    with reading("header", file):
        size, begin = read_uint(data, len(MAGIC) + 1)
        end = begin + size
        if len(data) < end + _CRC:
            raise FormatError(f"the file is truncated: {len(data)} bytes of at least {end + _CRC}")
        _check("header", data[:end], data[end : end + _CRC])
        fields = FieldReader(data[begin:end])
        skeleton = skeletons.read(fields, max_layers=size // _DIRECTORY_ROW)
        rows = [
            (name, fields.uint(), fields.take(_CRC))
            for name in section_names(len(skeleton.layers), len(skeleton.tables))
        ]
        fields.finish()
    at, sections = end + _CRC, {}
    for name, length, checksum in rows:
        with reading(name, file):
            if at + length > len(data):
                raise FormatError(f"the file is truncated: {len(data)} bytes of at least {at + length}")
            sections[name] = data[at : at + length]
            _check(name, sections[name], checksum)
        at += length
    if at != len(data):
        raise EmccError(f"has {len(data) - at} bytes after its last section", file=file, hint="the file is damaged")
    return skeleton, sections


@contextmanager
def reading(section: str, file: object | None) -> Iterator[None]:
    """Makes of a FormatError inside an EmccError that names the section."""
    try:
        yield
    except FormatError as error:
        hint = "compile the model again, or fetch the file again"
        raise EmccError(f"section {section!r} is damaged: {error}", file=file, hint=hint) from error


def _checksum(name: str, content: bytes) -> bytes:
    return zlib.crc32(content, zlib.crc32(name.encode())).to_bytes(_CRC, "little")


def _check(name: str, content: bytes, checksum: bytes) -> None:
    found = _checksum(name, content)
    if found != checksum:
        raise FormatError(f"checksum {found[::-1].hex()}, not {checksum[::-1].hex()}")
