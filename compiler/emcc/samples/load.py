"""Data files: an .npz with x and, optionally, y: labels or targets.

A model of several inputs has an array of each, by the input's name; one of several outputs may have `y_<name>` of each
output. A name's characters that no file may have count as `_` (base.text.for_path).
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.text import for_path, printable
from emcc.files import door
from emcc.files.arrays import DAMAGED, Member, member
from emcc.ir.batch import joined
from emcc.ir.graph import INDICES, Array, Graph
from emcc.ops.embedding import rows_read
from emcc.samples import labels
from emcc.samples.dataset import Dataset, Labels

HINT = "write it with numpy.savez(path, x=inputs, y=labels_or_targets)"
_CHUNK = 1 << 22


def load_data(path: Path | str, graph: Graph) -> Dataset:
    """Read an .npz for a model.

    `x`, or `X`, is of the model's input shape with the batch first; a single input may be called by its own name.
    Numbers of any kind become float32, rounded where that is needed, and pixels are not scaled. Integers that pick rows
    of a table stay integers, and must be rows that it has. `y`, or `Y`, is optional: see samples.labels. Raises
    EmccError for anything else. An array's size is checked before it is read, and float32 that is not compressed is
    mapped, not loaded; several inputs are.
    """
    path = Path(path)
    with opened(path) as archive:
        x, used = _load_inputs(archive, path, graph)
        y = _load_labels(archive, path, graph, len(x))
        held = (name.removesuffix(".npy") for name in archive.namelist())
        return Dataset(x, y, () if y is not None else tuple(name for name in held if name not in used))


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Give a data file, open. Raises EmccError where it is missing, or what is read of it shows that it is damaged."""
    try:
        with door.opened(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except FileNotFoundError:
        raise EmccError("no such file", file=path) from None
    except DAMAGED as error:
        raise EmccError(f"not a readable .npz file: {printable(str(error))}", file=path, hint=HINT) from None


def key_of(archive: zipfile.ZipFile, *names: str) -> str | None:
    """The first of these names that the file has an array of; as for_path makes it, where not as it is."""
    held = set(archive.namelist())
    return next((key for name in names for key in (name, for_path(name)) if f"{key}.npy" in held), None)


def _load_inputs(archive: zipfile.ZipFile, path: Path, graph: Graph) -> tuple[Array, set[str | None]]:
    """(x, the arrays that it is made of)."""
    if len(graph.inputs) == 1:
        key = key_of(archive, "x", graph.inputs[0], "X")
        if key is None:
            raise EmccError(f"no array called x, only {_held(archive)}", file=path, hint=HINT)
        return _load_x(archive, path, graph, graph.inputs[0], key), {key}
    keys = {name: key_of(archive, name) for name in graph.inputs}
    missing = ", ".join(repr(printable(name)) for name, key in keys.items() if key is None)
    if missing:
        hint = "write numpy.savez(path, **{name: array, ...}), an array of each input by its name"
        raise EmccError(f"no array of the input {missing}, only {_held(archive)}", file=path, hint=hint)
    parts = [_load_x(archive, path, graph, name, key) for name, key in keys.items() if key is not None]
    parts = [np.asarray(part, np.float32) for part in parts]
    if len({len(part) for part in parts}) > 1:
        counts = ", ".join(f"{printable(name)!r} {len(part)}" for name, part in zip(keys, parts, strict=True))
        raise EmccError(f"inputs have different numbers of samples: {counts}", file=path)
    x = np.asarray(joined(np, parts))
    x.flags.writeable = False
    return x, set(keys.values())


def _held(archive: zipfile.ZipFile) -> str:
    return ", ".join(printable(name.removesuffix(".npy")) for name in archive.namelist()[:20]) or "nothing"


def _load_labels(archive: zipfile.ZipFile, path: Path, graph: Graph, samples: int) -> Labels:
    def load(place: int, key: str | None) -> Array | None:
        return None if key is None else labels.load(_member(archive, key, path), path, graph, place, key, samples)

    if len(graph.outputs) == 1:
        return load(0, key_of(archive, "y", f"y_{graph.outputs[0]}", "Y"))
    if "y.npy" in archive.namelist():
        names = ", ".join(f"y_{printable(name)}" for name in graph.outputs)
        hint = f"call the labels or targets of an output by its name: {names}"
        raise EmccError(f"y is of no output: the model has {len(graph.outputs)}", file=path, hint=hint)
    y = tuple(load(place, key_of(archive, f"y_{name}")) for place, name in enumerate(graph.outputs))
    return y if any(own is not None for own in y) else None


def _load_x(archive: zipfile.ZipFile, path: Path, graph: Graph, name: str, key: str) -> Array:
    array, shown = _member(archive, key, path), printable(key)
    picks = graph.tensors[name].dtype in INDICES
    if picks and array.dtype.kind not in "iu":
        hint = f"give it integers, such as {shown}.astype('int32'): rows of a table are picked by them"
        raise EmccError(f"{shown} is {array.dtype}, not integers", file=path, hint=hint)
    if not picks and array.dtype.kind not in "biuf":
        raise EmccError(
            f"{shown} is {array.dtype}, not numbers", file=path, hint=f"convert it with {shown}.astype('float32')"
        )
    wanted = graph.tensors[name].shape[1:]
    if len(array.shape) != len(wanted) + 1 or any(
        size not in (want, None) and want is not None for size, want in zip(array.shape[1:], wanted, strict=True)
    ):
        expected = ", ".join(["n", *("any" if size is None else str(size) for size in wanted)])
        raise EmccError(
            f"{shown} has shape {list(array.shape)}, but the model's input {printable(name)!r} is [{expected}]",
            file=path,
        )
    if array.shape[0] == 0:
        raise EmccError(f"{shown} has no samples", file=path)
    if picks:
        return _rows(array.read(), rows_read(graph, name), path, shown)
    raw = array.map(path)
    with np.errstate(over="ignore"):
        x = np.asarray(raw, np.float32)
    _check_finite(x, path, shown)
    x.flags.writeable = False
    return x


def _rows(raw: Array, rows: int | None, path: Path, shown: str) -> Array:
    """Integers that pick from a table of so many rows, from its front or its end, as int32."""
    if rows is not None and not -rows <= int(raw.min()) <= int(raw.max()) < rows:
        at = np.argwhere((raw < -rows) | (raw >= rows))[0]
        value = int(raw[tuple(at)])
        message = f"{shown} holds {value} in sample {int(at[0])}, and the table that it picks from has {rows:,} rows"
        raise EmccError(message, file=path, hint=f"give numbers from 0 to {rows - 1:,}")
    x = raw.astype(np.int32)
    x.flags.writeable = False
    return x


def _check_finite(x: Array, path: Path, shown: str) -> None:
    """Raise EmccError with how many samples are not finite in float32; look at a chunk of a mapped file at a time."""
    rows = max(1, _CHUNK // max(1, x[0].size))
    axes = tuple(range(1, x.ndim))
    bad: list[int] = []
    for begin in range(0, len(x), rows):
        bad += (begin + np.flatnonzero(~np.isfinite(x[begin : begin + rows]).all(axis=axes))).tolist()
    if bad:
        count = f"{len(bad)} of {len(x)} samples"
        raise EmccError(f"{shown} has NaN or infinite values in {count}, the first is sample {bad[0]}", file=path)


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> Member:
    try:
        return member(archive, name)
    except ValueError as error:
        raise EmccError(f"{printable(name)} {error}", file=path, hint=HINT) from None
