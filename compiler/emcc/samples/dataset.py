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
        x: float32 [n, ...], of the model's input shape, or [n, elements of all] of several inputs; read-only, and
            mapped from the file where it allows that.
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

    `x` is float32 of the model's input shape with the batch first; of several inputs there is an array each, called as
    the input. float64 is rounded to float32; float16 and
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
    """The only input as x; of several each under its own name, side by side: [n, elements of all]."""
    if len(graph.inputs) == 1:
        x = _load(archive, path, "x", graph.tensors[graph.inputs[0]])
    else:
        parts = [_load(archive, path, name, graph.tensors[name]) for name in graph.inputs]
        if len({len(part) for part in parts}) > 1:
            counts = ", ".join(
                f"{printable(name)!r} {len(part)}" for name, part in zip(graph.inputs, parts, strict=True)
            )
            raise EmccError(f"the inputs have different numbers of samples: {counts}", file=path)
        x = np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
    x.flags.writeable = False
    return x


def _load(archive: zipfile.ZipFile, path: Path, key: str, tensor: Tensor) -> Array:
    """An array of samples of an input."""
    shown = printable(key)
    if f"{key}.npy" not in archive.namelist():
        names = ", ".join(printable(name.removesuffix(".npy")) for name in archive.namelist()[:20]) or "nothing"
        hint = HINT if key == "x" else f"write an array for each input, called as the input: {shown}=..."
        raise EmccError(f"no array called {shown}, only {names}", file=path, hint=hint)
    array = _member(archive, key, path)
    if array.dtype.newbyteorder("=").name not in (*EXACT, "float64"):
        accepted = "float32, float64, float16 or integers of up to 16 bits"
        hint = f"convert it with {shown}.astype('float32')"
        raise EmccError(f"{shown} is {array.dtype}, not {accepted}", file=path, hint=hint)
    wanted = tensor.shape[1:]
    if len(array.shape) != len(wanted) + 1 or any(
        size not in (want, None) and want is not None for size, want in zip(array.shape[1:], wanted, strict=True)
    ):
        expected = ", ".join(["n", *("any" if size is None else str(size) for size in wanted)])
        raise EmccError(
            f"{shown} has shape {list(array.shape)}, but the model's input {printable(tensor.name)!r} is [{expected}]",
            file=path,
        )
    if array.shape[0] == 0:
        raise EmccError(f"{shown} has no samples", file=path)
    raw = array.map(path)
    with np.errstate(over="ignore"):
        x = np.asarray(raw, np.float32)
    _check_finite(x, path, shown)
    return x


def _check_finite(x: Array, path: Path, name: str) -> None:
    """Raise EmccError with how many samples are not finite in float32; look at a chunk of a mapped file at a time."""
    rows = max(1, _CHUNK // max(1, x[0].size))
    axes = tuple(range(1, x.ndim))
    bad: list[int] = []
    for begin in range(0, len(x), rows):
        bad += (begin + np.flatnonzero(~np.isfinite(x[begin : begin + rows]).all(axis=axes))).tolist()
    if bad:
        count = f"{len(bad)} of {len(x)} samples"
        raise EmccError(f"{name} has NaN or infinite values in {count}, the first is sample {bad[0]}", file=path)


def _load_y(archive: zipfile.ZipFile, path: Path, graph: Graph, samples: int) -> Array:
    array = _member(archive, "y", path)
    if array.dtype.kind not in "iuf":
        raise EmccError(f"y is {array.dtype}, neither class numbers nor targets", file=path)
    if len(graph.outputs) > 1:
        hint = "leave y out: emcc then holds the model against itself"
        raise EmccError(f"y is for one output, and the model has {len(graph.outputs)}", file=path, hint=hint)
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
