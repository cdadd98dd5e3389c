"""The frame of a model.emc: magic, version, header, sections, and a checksum each."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from emcc.base.errors import EmccError
from emcc.container import header
from emcc.container.bits import FormatError, read_uint, uint
from emcc.container.header import Header

MAGIC = b"EMC"
VERSION, BLOCKED = 5, 6
"""What is written: the second where weights are product quantised, of which version 5 does not know."""
_CRC = 4


def section_names(head: Header) -> list[str]:
    """The sections after the header, in order."""
    plain = ["constants"] * bool(head.arrays) + ["scales"] * bool(head.affines)
    return plain + [f"layer {i}" for i in range(1, len(head.layers) + 1)]


def seal(fields: bytes, sections: dict[str, bytes], blocked: bool = False) -> bytes:
    """magic, version, uint size of the header; header; its checksum; the sections.

    `blocked`: whether weights are product quantised, which is another version. The header: uint sections, of each its
    uint size and the checksum of its name and content; the fields.
    """
    rows = b"".join(uint(len(content)) + _checksum(name, content) for name, content in sections.items())
    head = uint(len(sections)) + rows + fields
    front = MAGIC + bytes([BLOCKED if blocked else VERSION]) + uint(len(head)) + head
    return front + _checksum("header", front) + b"".join(sections.values())


def unframe(data: bytes, file: object | None = None) -> tuple[Header, dict[str, bytes]]:
    """(the header's content, the sections by name), all checksums checked."""
    if data[: len(MAGIC)] != MAGIC:
        raise EmccError("is not an .emc file: it does not begin with 'EMC'", file=file)
    version = data[len(MAGIC)] if len(data) > len(MAGIC) else VERSION
    if version not in (VERSION, BLOCKED):
        hint = f"it was written by {'a newer' if BLOCKED < version < 128 else 'an older'} emcc, or is damaged"
        known = f"{VERSION} and {BLOCKED}"
        raise EmccError(f"is version {version} of the format, this emcc reads {known}", file=file, hint=hint)
    with reading("header", file):
        size, begin = read_uint(data, len(MAGIC) + 1)
        end = begin + size
        if len(data) < end + _CRC:
            raise FormatError(f"the file is truncated: {len(data)} bytes of at least {end + _CRC}")
        _check("header", data[:end], data[end : end + _CRC])
        count, at = read_uint(data, begin)
        rows = []
        for _ in range(min(count, size)):
            length, at = read_uint(data[:end], at)
            rows.append((length, data[at : at + _CRC]))
            at += _CRC
        head = header.unpack(data[at:end])
        if version == VERSION and any(layer.blocks for layer in head.layers):
            raise FormatError(f"product-quantised weights, which version {VERSION} has not")
        names = section_names(head)
        if len(names) != count:
            raise FormatError(f"{count} sections instead of {len(names)}")
    at, sections = end + _CRC, {}
    for name, (length, checksum) in zip(names, rows, strict=True):
        with reading(name, file):
            if at + length > len(data):
                raise FormatError(f"the file is truncated: {len(data)} bytes of at least {at + length}")
            sections[name] = data[at : at + length]
            _check(name, sections[name], checksum)
        at += length
    if at != len(data):
        raise EmccError(f"has {len(data) - at} bytes after its last section", file=file, hint="the file is damaged")
    return head, sections


@contextmanager
def reading(section: str, file: object | None) -> Iterator[None]:
    """Turn a FormatError inside into an EmccError that names the section."""
    try:
        yield
    except FormatError as error:
        hint = "compile the model again, or fetch the file again"
        raise EmccError(f"section {section!r} is damaged: {error}", file=file, hint=hint) from error


def _checksum(name: str, content: bytes) -> bytes:
    return zlib.crc32(content, zlib.crc32(name.encode())).to_bytes(_CRC, "little")


def _check(name: str, content: bytes, checksum: bytes) -> None:
    actual = _checksum(name, content)
    if actual != checksum:
        raise FormatError(f"checksum {actual[::-1].hex()}, not {checksum[::-1].hex()}")
