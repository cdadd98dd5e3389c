"""Data for calibrating, fine-tuning and simulating: an .npz with x and, for classifiers, y."""

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from emcc.base.errors import EmccError, printable
from emcc.ir.graph import Array, Graph

HINT = "write it with numpy.savez(path, x=inputs, y=labels)"
EXACT = ("float32", "float16", "int8", "uint8", "int16", "uint16")
_CHUNK = 1 << 22


@dataclass(frozen=True)
class Dataset:
    """Samples in the model's own units.

    Attributes:
        x: float32 [n, ...], of the model's input shape; read-only, and mapped from the file where it allows that.
        y: int64 [n], class numbers; None for unlabelled data.
    """

    x: Array
    y: Array | None = None

    def __len__(self) -> int:
        return len(self.x)


def load_data(path: Path | str, graph: Graph) -> Dataset:
    """Reads an .npz for a model.

    `x` is float32 of the model's input shape with the batch first. float64 is rounded to float32; float16 and
    integers of up to 16 bits are converted as they are (pixels are not scaled). `y` is optional: integer class
    numbers [n], below the model's output size where its output is a vector. Raises EmccError for anything else. An
    array's size is checked before it is read, and float32 that is not compressed is mapped, not loaded.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            x = _load_x(archive, path, graph)
            y = _load_y(archive, path, graph, len(x)) if "y.npy" in archive.namelist() else None
            return Dataset(x, y)
    except FileNotFoundError:
        raise EmccError("no such file", file=path) from None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise EmccError(f"not a readable .npz file: {printable(str(error))}", file=path, hint=HINT) from None


def _load_x(archive: zipfile.ZipFile, path: Path, graph: Graph) -> Array:
    if "x.npy" not in archive.namelist():
        found = ", ".join(printable(name.removesuffix(".npy")) for name in archive.namelist()[:20]) or "nothing"
        raise EmccError(f"no array called x, only {found}", file=path, hint=HINT)
    member = _Member(archive, "x", path)
    if member.dtype.newbyteorder("=").name not in (*EXACT, "float64"):
        accepted = "float32, float64, float16 or integers of up to 16 bits"
        raise EmccError(f"x is {member.dtype}, not {accepted}", file=path, hint="convert it with x.astype('float32')")
    name = graph.inputs[0]
    wanted = graph.tensors[name].shape[1:]
    if len(member.shape) != len(wanted) + 1 or any(
        size not in (want, None) and want is not None for size, want in zip(member.shape[1:], wanted, strict=True)
    ):
        expected = ", ".join(["n", *("any" if size is None else str(size) for size in wanted)])
        raise EmccError(
            f"x has shape {list(member.shape)}, but the model's input {printable(name)!r} is [{expected}]", file=path
        )
    if member.shape[0] == 0:
        raise EmccError("x has no samples", file=path)
    raw = member.read(mapped=True)
    with np.errstate(over="ignore"):
        x = np.asarray(raw, np.float32)
    _check_finite(x, path)
    x.flags.writeable = False
    return x


def _check_finite(x: Array, path: Path) -> None:
    """EmccError with how many samples are not finite in float32; a chunk at a time, so that a mapped file is."""
    rows = max(1, _CHUNK // max(1, x[0].size))
    axes = tuple(range(1, x.ndim))
    bad: list[int] = []
    for begin in range(0, len(x), rows):
        bad += (begin + np.flatnonzero(~np.isfinite(x[begin : begin + rows]).all(axis=axes))).tolist()
    if bad:
        count = f"{len(bad)} of {len(x)} samples"
        raise EmccError(f"x has NaN or infinite values in {count}, the first is sample {bad[0]}", file=path)


def _load_y(archive: zipfile.ZipFile, path: Path, graph: Graph, samples: int) -> Array:
    member = _Member(archive, "y", path)
    if member.dtype.kind not in "iu":
        raise EmccError(f"y is {member.dtype}, not integer class numbers", file=path)
    if member.shape != (samples,):
        shape = list(member.shape)
        raise EmccError(f"y has shape {shape}, but x has {samples} samples: expected [{samples}]", file=path)
    raw = member.read(mapped=False)
    output = graph.tensors[graph.outputs[0]]
    classes = max(output.features, 2) if len(output.shape) == 2 else None
    low, high = int(raw.min()), int(raw.max())
    if low < 0 or (classes is not None and high >= classes):
        allowed = f"0 to {classes - 1}" if classes is not None else "0 and up"
        raise EmccError(f"y holds class numbers from {low} to {high}, but the model's are {allowed}", file=path)
    y = raw.astype(np.int64)
    y.flags.writeable = False
    return y


class _Member:
    """One array of an .npz: its header, checked against the size of the file, and then its values."""

    def __init__(self, archive: zipfile.ZipFile, name: str, path: Path) -> None:
        self._archive, self._path = archive, path
        self._info = archive.getinfo(f"{name}.npy")
        with archive.open(self._info) as stream:
            try:
                self.shape, self._fortran, self.dtype = _header(stream)
            except ValueError as error:
                raise EmccError(f"{name} is not an array: {printable(str(error))}", file=path, hint=HINT) from None
            self._offset = stream.tell()
        if self.dtype.hasobject:
            raise EmccError(f"{name} holds Python objects, which are not read", file=path, hint=HINT)
        size = self.dtype.itemsize
        for extent in self.shape:
            size *= extent
        if size != self._info.file_size - self._offset:
            raise EmccError(f"{name} is damaged: its header does not match its size", file=path, hint=HINT)

    def read(self, mapped: bool) -> Array:
        """The values, in C order; a read-only map of the file where that is asked for and possible."""
        order: Any = "F" if self._fortran else "C"
        if mapped and self._info.compress_type == zipfile.ZIP_STORED and not self._fortran:
            try:
                return np.memmap(self._path, self.dtype, "r", self._start() + self._offset, self.shape)
            except ValueError as error:
                raise zipfile.BadZipFile(str(error)) from None
        with self._archive.open(self._info) as stream:
            data = stream.read()
        values = np.frombuffer(data, self.dtype, offset=self._offset).reshape(self.shape, order=order)
        return np.ascontiguousarray(values)

    def _start(self) -> int:
        """Where the member's bytes begin in the file: past its local header (APPNOTE.TXT 4.3.7)."""
        with open(self._path, "rb") as file:
            file.seek(self._info.header_offset)
            name, extra = struct.unpack("<26xHH", file.read(30).ljust(30, b"\0"))
        return self._info.header_offset + 30 + int(name) + int(extra)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"version {version[0]}.{version[1]} of the .npy format")
    return read(stream)
