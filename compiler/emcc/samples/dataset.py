"""Data for calibrating, training, judging and simulating: an .npz with x and, optionally, y: labels or targets."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.files.arrays import DAMAGED, Member, member
from emcc.ir.graph import Array, Graph, Tensor

HINT = "write it with numpy.savez(path, x=inputs, y=labels_or_targets)"
EXACT = ("float32", "float16", "int8", "uint8", "int16", "uint16")
_CHUNK = 1 << 22


@dataclass(frozen=True)
class Dataset:
    """Samples in the model's own units.

    Attributes:
        x: float32 [n, ...], of the model's input shape; read-only, and mapped from the file where it allows that.
        y: int64 [n], class numbers; float32 [n, ...] of the output's shape, targets of a regression; or None.
    """

    x: Array
    y: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    def first(self, count: int | None) -> "Dataset":
        """The first `count` samples, or all."""
        return Dataset(self.x[:count], None if self.y is None else self.y[:count])


def load_data(path: Path | str, graph: Graph) -> Dataset:
    """Read an .npz for a model.

    `x` is float32 of the model's input shape with the batch first. float64 is rounded to float32; float16 and
    integers of up to 16 bits are converted as they are (pixels are not scaled). `y` is optional: integer class
    numbers [n], below the model's output size where its output is a vector, or targets of the output's shape. Numbers
    [n] for a single output are class numbers where all are 0 or 1. Raises EmccError for anything else. An
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
    except DAMAGED as error:
        raise EmccError(f"not a readable .npz file: {printable(str(error))}", file=path, hint=HINT) from None


def _load_x(archive: zipfile.ZipFile, path: Path, graph: Graph) -> Array:
    if "x.npy" not in archive.namelist():
        names = ", ".join(printable(name.removesuffix(".npy")) for name in archive.namelist()[:20]) or "nothing"
        raise EmccError(f"no array called x, only {names}", file=path, hint=HINT)
    array = _member(archive, "x", path)
    if array.dtype.newbyteorder("=").name not in (*EXACT, "float64"):
        accepted = "float32, float64, float16 or integers of up to 16 bits"
        raise EmccError(f"x is {array.dtype}, not {accepted}", file=path, hint="convert it with x.astype('float32')")
    name = graph.inputs[0]
    wanted = graph.tensors[name].shape[1:]
    if len(array.shape) != len(wanted) + 1 or any(
        size not in (want, None) and want is not None for size, want in zip(array.shape[1:], wanted, strict=True)
    ):
        expected = ", ".join(["n", *("any" if size is None else str(size) for size in wanted)])
        raise EmccError(
            f"x has shape {list(array.shape)}, but the model's input {printable(name)!r} is [{expected}]", file=path
        )
    if array.shape[0] == 0:
        raise EmccError("x has no samples", file=path)
    raw = array.map(path)
    with np.errstate(over="ignore"):
        x = np.asarray(raw, np.float32)
    _check_finite(x, path)
    x.flags.writeable = False
    return x


def _check_finite(x: Array, path: Path) -> None:
    """Raise EmccError with how many samples are not finite in float32; look at a chunk of a mapped file at a time."""
    rows = max(1, _CHUNK // max(1, x[0].size))
    axes = tuple(range(1, x.ndim))
    bad: list[int] = []
    for begin in range(0, len(x), rows):
        bad += (begin + np.flatnonzero(~np.isfinite(x[begin : begin + rows]).all(axis=axes))).tolist()
    if bad:
        count = f"{len(bad)} of {len(x)} samples"
        raise EmccError(f"x has NaN or infinite values in {count}, the first is sample {bad[0]}", file=path)


def _load_y(archive: zipfile.ZipFile, path: Path, graph: Graph, samples: int) -> Array:
    array = _member(archive, "y", path)
    if array.dtype.kind not in "iuf":
        raise EmccError(f"y is {array.dtype}, neither class numbers nor targets", file=path)
    output = graph.tensors[graph.outputs[0]]
    single, vector = output.features == 1, len(output.shape) == 2
    if array.shape[:1] != (samples,):
        shape = list(array.shape)
        raise EmccError(f"y has shape {shape}, but x has {samples} samples: expected [{samples}]", file=path)
    raw = array.read()
    if single and raw.size == samples and ((raw == 0) | (raw == 1)).all():
        y = raw.reshape(samples).astype(np.int64)
    elif array.dtype.kind in "iu" and raw.size == samples and not single:
        y = _classes(raw.reshape(samples), output.features if vector else None, path)
    elif graph.host:
        given, hint = f"{array.dtype} of shape {list(array.shape)}", "give integers [n], such as y.argmax(axis=1)"
        raise EmccError(f"y is {given}, but the model classifies: class numbers belong there", file=path, hint=hint)
    else:
        y = _targets(raw, path, output)
    y.flags.writeable = False
    return y


def _classes(raw: Array, classes: int | None, path: Path) -> Array:
    low, high = int(raw.min()), int(raw.max())
    if low < 0 or (classes is not None and high >= classes):
        allowed = f"0 to {classes - 1}" if classes is not None else "0 and up"
        raise EmccError(f"y holds class numbers from {low} to {high}, but the model's are {allowed}", file=path)
    return raw.astype(np.int64)


def _targets(raw: Array, path: Path, output: Tensor) -> Array:
    shape = (len(raw), *(size or 1 for size in output.shape[1:]))
    if raw.size != np.prod(shape):
        expected = ", ".join(["n", *map(str, shape[1:])])
        hint = "class numbers are integers [n]; leave y out to hold the model against itself"
        message = f"y is {raw.dtype} of shape {list(raw.shape)}, but the model's output is [{expected}]"
        raise EmccError(message, file=path, hint=hint)
    with np.errstate(over="ignore"):
        y = np.asarray(raw, np.float32).reshape(shape)
    if not np.isfinite(y).all():
        raise EmccError("y has NaN or infinite values", file=path)
    return y


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> Member:
    try:
        return member(archive, name)
    except ValueError as error:
        raise EmccError(f"{name} {error}", file=path, hint=HINT) from None
