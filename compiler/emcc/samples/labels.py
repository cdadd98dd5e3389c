"""y of a data file: class numbers, or targets, as people write them."""

from pathlib import Path

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.files.arrays import Member
from emcc.ir.graph import Array, Graph, Tensor
from emcc.ops.host import tail_of


def load(array: Member, path: Path, graph: Graph, place: int, key: str, samples: int) -> Array:
    """Return int64 [n], class numbers, or float32 [n, ...] of an output's shape, targets; read-only.

    Class numbers are whole numbers [n], below the output's size where it is a vector, or rows that have a 1 at the
    class and 0 elsewhere. Numbers [n] for a single output are class numbers where all are 0 or 1. Raises EmccError for
    anything else; `key` is its name, `place` that of the output among the model's.
    """
    shown = printable(key)
    if array.dtype.kind not in "biuf":
        hint = f"numbers from 0 for names: numpy.unique({shown}, return_inverse=True)[1], if the model has that order"
        raise EmccError(f"{shown} is {array.dtype}, neither class numbers nor targets", file=path, hint=hint)
    output = graph.tensors[graph.outputs[place]]
    single, vector = output.features == 1, len(output.shape) == 2
    if array.shape[:1] != (samples,):
        shape = list(array.shape)
        raise EmccError(f"{shown} has shape {shape}, but x has {samples} samples: expected [{samples}]", file=path)
    raw = array.read()
    if single and raw.size == samples and ((raw == 0) | (raw == 1)).all():
        y = raw.reshape(samples).astype(np.int64)
    elif raw.size == samples and not single and _whole(raw):
        y = _classes(raw.reshape(samples), output.features if vector else None, path, shown)
    elif vector and _one_hot(raw.reshape(samples, -1), output.features):
        y = raw.reshape(samples, -1).argmax(axis=1).astype(np.int64)
    elif tail_of(graph.host, place):
        given, hint = f"{array.dtype} of shape {list(array.shape)}", "give integers [n], such as y.argmax(axis=1)"
        if sum(size != 1 for size in output.shape[1:]) > 1:
            message = (
                f"{shown} is {given}, but the model's answer is a map of classes, which emcc does not judge by labels"
            )
            raise EmccError(message, file=path, hint="leave y out: the model is held against itself")
        raise EmccError(
            f"{shown} is {given}, but the model classifies: class numbers belong there", file=path, hint=hint
        )
    else:
        y = _targets(raw, path, output, shown)
    y.flags.writeable = False
    return y


def _whole(raw: Array) -> bool:
    """Whether all are whole numbers, of integers or floats."""
    return raw.dtype.kind in "biu" or bool(np.isfinite(raw).all() and (raw == np.floor(raw)).all())


def _one_hot(rows: Array, classes: int) -> bool:
    """Whether each of several rows [n, classes] has a 1 at one place and 0 elsewhere."""
    if rows.shape[1] != classes or classes == 1 or len(rows) == 1:
        return False
    return bool(((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all())


def _classes(raw: Array, classes: int | None, path: Path, shown: str) -> Array:
    low, high = int(raw.min()), int(raw.max())
    if low < 0 or (classes is not None and high >= classes):
        allowed = f"0 to {classes - 1}" if classes is not None else "0 and up"
        raise EmccError(f"{shown} holds class numbers from {low} to {high}, but the model's are {allowed}", file=path)
    return raw.astype(np.int64)


def _targets(raw: Array, path: Path, output: Tensor, shown: str) -> Array:
    shape = (len(raw), *(size or 1 for size in output.shape[1:]))
    if raw.size != np.prod(shape):
        expected = ", ".join(["n", *map(str, shape[1:])])
        hint = "class numbers are whole numbers [n]; leave y out to hold the model against itself"
        message = f"{shown} is {raw.dtype} of shape {list(raw.shape)}, but the model's output is [{expected}]"
        raise EmccError(message, file=path, hint=hint)
    with np.errstate(over="ignore"):
        y = np.asarray(raw, np.float32).reshape(shape)
    if not np.isfinite(y).all():
        raise EmccError(f"{shown} has NaN or infinite values", file=path)
    return y
