"""An npz file of plain arrays, written the same every time and read with nothing believed."""

import io
import math
import re
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from emcc.base.errors import EmccError
from emcc.ir.graph import Array

_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(..)"
    rb"\{'descr': '(<[iu][248]|\|[iu]1)', 'fortran_order': False, 'shape': \(([0-9, ]{0,80})\), \} *\n",
    re.DOTALL,
)


def write_npz(arrays: Mapping[str, Array]) -> bytes:
    """Stored, not deflated, with fixed dates: the same arrays are the same bytes on every machine."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            plain = io.BytesIO()
            little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
            np.lib.format.write_array(plain, little, version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            info.create_system, info.external_attr = _UNIX, 0o644 << 16
            archive.writestr(info, plain.getvalue())
    return out.getvalue()


def read_npz(data: bytes, file: object | None = None) -> dict[str, Array]:
    """The arrays, read-only. EmccError where the file is damaged; no more memory than the file is taken."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            arrays: dict[str, Array] = {}
            if sum(info.file_size for info in archive.infolist()) > len(data):
                raise ValueError("its members are larger than the file")
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if info.compress_type != zipfile.ZIP_STORED or name in arrays:
                    raise ValueError(f"the member {name!r} is not stored plainly and once")
                arrays[name] = _array(archive.read(info), name)
            return arrays
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError, RuntimeError, zlib.error) as error:
        hint = "compile the model again, or fetch the file again"
        raise EmccError(f"the file is damaged: {error}", file=file, hint=hint) from error


def _array(content: bytes, name: str) -> Array:
    """numpy's own reader runs the header through Python's tokenizer; this one takes only what `write_npz` writes."""
    found = _HEADER.match(content)
    if not found or 10 + int.from_bytes(found[1], "little") != found.end():
        raise ValueError(f"the array {name!r} is not plain integers")
    dtype, rest = np.dtype(found[2].decode()), content[found.end() :]
    shape = tuple(int(size) for size in found[3].replace(b",", b" ").split())
    if math.prod(shape) * dtype.itemsize != len(rest):
        raise ValueError(f"the array {name!r} of {dtype} {shape} does not fit its {len(rest)} bytes")
    return np.frombuffer(rest, dtype).reshape(shape)
