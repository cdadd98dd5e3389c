"""From what the last layer gives to what the user's model gives: the host's operators, the accuracy, the file."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from emcc.base.text import for_path
from emcc.files.arrays import write_npz
from emcc.ir.graph import Array, Graph
from emcc.ops import host
from emcc.samples.dataset import Dataset
from emcc.samples.judge import judge


class Worth(NamedTuple):
    """What outputs are worth, as shares: of right classes, or of the targets' variance; None where that is unknown."""

    accuracy: float | None = None
    explained: float | None = None


ONE = "y"
"""The key of an only output."""


def final(tail: host.Tail, outputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return a model's answers as its ONNX file would give them, by key: float32, or int64 of an ArgMax.

    Args:
        tail: the host's operators behind the output, of a model with one.
        outputs: float64 [n, ...] by the output's name, in the model's order.

    The key of an only output is "y"; several have their names, made fit for a file's name, and made different.
    """
    if len(outputs) == 1:
        (only,) = outputs.values()
        return {ONE: _narrow(np.asarray(host.apply(tail, only)))}
    keyed: dict[str, Array] = {}
    for name, value in outputs.items():
        key = for_path(name)
        while key in keyed:
            key += "_"
        keyed[key] = _narrow(value)
    return keyed


def worth(interface: Graph, outputs: Array, data: Dataset) -> Worth:
    """Judge outputs [n, ...], before the host's operators, by the data's labels or targets; see samples.judge.

    `interface` is a graph of the model's inputs, outputs and host's operators.
    """
    if data.y is None or not len(outputs):
        return Worth()
    value = (judged := judge(interface, outputs, data)).score(outputs).value / 100
    return Worth(accuracy=value) if judged.task == "classify" else Worth(explained=value)


def to_npz(answers: Mapping[str, Array]) -> bytes:
    """Return the file of `final` answers: the same answers are the same bytes."""
    return write_npz(answers)


def _narrow(value: Array) -> Array:
    return value.astype(np.int64 if value.dtype.kind in "iu" else np.float32)
