"""Npz files of plain arrays: one reader that believes nothing, for our own files, kept work and the user's data."""

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.files import door
from emcc.ir.graph import Array

DAMAGED = (
    *(zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError, RuntimeError, zlib.error),
    *(struct.error, IndexError, OverflowError),
)
"""What reading a damaged npz file raises."""

PLAIN = frozenset(("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8"))
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_EXPANSION = 1032
"""Bytes that a byte of deflate can stand for, at most (zlib's own figure)."""

_INFLATED = 1 << 29
"""Bytes of an array that is compressed: a small file may ask for as many."""

_LONGEST = 1 << 16
_ITEM = rb"'(descr|fortran_order|shape)' ?: ?('[<>|=][biufcSUVO]\d{1,6}'|'\|O'|True|False|\([0-9, ]{0,400}\))"
_HEADER = re.compile(rb"\{ ?" + rb" ?, ?".join([_ITEM] * 3) + rb" ?,? ?\} ?")


@dataclass(frozen=True)
class Member:
    """One array of an npz file: its header, checked against the sizes in the file, and its values when asked for.

    Attributes:
        shape, dtype: as numpy has them, of any byte order; fortran: values are stored column by column.
        offset: bytes of the member before the values.
    """

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int

    def read(self) -> Array:
        """Read the values, checking their checksum: in C order, read-only."""
        values = np.frombuffer(self.archive.read(self.info), self.dtype, offset=self.offset)
        ordered = np.asarray(values.reshape(self.shape, order="F" if self.fortran else "C"), order="C")
        ordered.flags.writeable = False
        return ordered

    def map(self, path: Path) -> Array:
        """Map the values from the file at `path` where they are stored plainly (checking no checksum), or read them."""
        if self.info.compress_type != zipfile.ZIP_STORED or self.fortran:
            return self.read()
        with door.opened(path) as file:  # past the local header, APPNOTE.TXT 4.3.7
            file.seek(self.info.header_offset)
            name, extra = struct.unpack("<26xHH", file.read(30).ljust(30, b"\0"))
        begin = self.info.header_offset + 30 + int(name) + int(extra) + self.offset
        return np.memmap(path, self.dtype, "r", begin, self.shape)


def member(archive: zipfile.ZipFile, name: str) -> Member:
    """Find the array `name`. ValueError says what it is instead, as the rest of a sentence.

    Sizes are believed only as far as the file has bytes for them. Nothing is unpickled, and no header is evaluated.
    """
    info = archive.getinfo(f"{name}.npy")
    most = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: _EXPANSION}.get(info.compress_type)
    if most is None:
        raise ValueError("is compressed in a way that numpy does not use")
    if info.compress_size > archive.start_dir or info.file_size > info.compress_size * most:
        raise ValueError("is damaged: it is larger than the file can hold")
    if most > 1 and info.file_size > _INFLATED:
        raise ValueError(f"has more than {_INFLATED:,} bytes, which are read where they are not compressed alone")
    with archive.open(info) as stream:
        dtype, fortran, shape = _header(stream)
        offset = stream.tell()
    if dtype.hasobject:
        raise ValueError("holds Python objects, which are not read")
    if math.prod(shape) * dtype.itemsize != info.file_size - offset:
        raise ValueError("is damaged: its header does not match its size")
    return Member(archive, info, shape, dtype, fortran, offset)


def _header(stream: IO[bytes]) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    """Read what numpy writes of plain types; its own reader runs the header through Python's tokenizer.

    The format is NEP 1: magic, version, a length of 2 bytes (version 1) or 4 (2 and 3), a literal of three items.
    """
    magic = stream.read(8)
    if magic[:6] != b"\x93NUMPY" or magic[6:] not in (b"\1\0", b"\2\0", b"\3\0"):
        raise ValueError("is not an array: it does not begin as one")
    length = int.from_bytes(stream.read(2 if magic[6] == 1 else 4), "little")
    text = b" ".join(stream.read(min(length, _LONGEST)).split())
    literal = _HEADER.fullmatch(text)
    items = dict(zip(literal.groups()[::2], literal.groups()[1::2], strict=True)) if literal else {}
    descr, order, sizes = (items.get(key, b"") for key in (b"descr", b"fortran_order", b"shape"))
    if length > _LONGEST or descr[:1] != b"'" or order not in (b"True", b"False") or sizes[:1] != b"(":
        raise ValueError("is not an array: its header is not one of plain numbers")
    try:
        dtype = np.dtype(descr[1:-1].decode())
    except TypeError:
        raise ValueError(f"is not an array: there is no type {descr.decode()}") from None
    return dtype, order == b"True", tuple(int(size) for size in sizes[1:-1].split(b",") if size.strip())


def write_npz(arrays: Mapping[str, Array]) -> bytes:
    """Write an npz file, stored and with fixed dates: the same arrays are the same bytes on every machine."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            plain = io.BytesIO()
            little = np.asarray(array, order="C").astype(array.dtype.newbyteorder("<"))
            np.lib.format.write_array(plain, little, version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            info.create_system, info.external_attr = _UNIX, 0o644 << 16
            archive.writestr(info, plain.getvalue())
    return out.getvalue()


def read_npz(data: bytes, file: object | None = None) -> dict[str, Array]:
    """Read what `write_npz` wrote: arrays of the types in PLAIN, read-only. No more memory than the file is taken.

    Raises:
        EmccError: the file is damaged, or not one of ours.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(info.file_size for info in members) > len(data):
                raise ValueError("its members are larger than the file")
            arrays: dict[str, Array] = {}
            for info in members:
                name = info.filename.removesuffix(".npy")
                if info.compress_type != zipfile.ZIP_STORED or name in arrays:
                    raise ValueError(f"the member {name!r} is not stored plainly and once")
                arrays[name] = _ours(archive, name)
            return arrays
    except (*DAMAGED, KeyError) as error:
        hint = "compile the model again, or fetch the file again"
        raise EmccError(f"the file is damaged: {error}", file=file, hint=hint) from error


def _ours(archive: zipfile.ZipFile, name: str) -> Array:
    try:
        array = member(archive, name)
    except ValueError as error:
        raise ValueError(f"the array {name!r} {error}") from None
    if array.dtype.str not in PLAIN or array.fortran:
        raise ValueError(f"the array {name!r} is not one of plain numbers")
    return array.read()
