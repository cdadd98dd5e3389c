"""From what the last layer gives to what the user's model gives: the host's operators, the accuracy, the file."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from emcc.base.text import for_path
from emcc.files.arrays import write_npz
from emcc.ir.batch import apart, ends
from emcc.ir.graph import Array, Graph
from emcc.ops import host
from emcc.samples.dataset import Dataset
from emcc.samples.judge import judge


class Worth(NamedTuple):
    """What outputs are worth, as shares: of right classes, or of the targets' variance; None where that is unknown.

    Of several outputs these are of the worst that has labels, and of the worst that has targets; `by_output` has the
    same of each that has either.
    """

    accuracy: float | None = None
    explained: float | None = None
    by_output: Mapping[str, "Worth"] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        facts: dict[str, Any] = {"accuracy": self.accuracy, "explained": self.explained}
        if self.by_output is None:
            return facts
        return {**facts, "by_output": {name: own.to_json() for name, own in self.by_output.items()}}


ONE = "y"
"""The key of an only output."""


def final(interface: Graph, outputs: Array) -> dict[str, Array]:
    """Return a model's answers as its ONNX file would give them, by key: float32, or int64 of an ArgMax.

    Args:
        interface: a graph of the model's inputs, outputs and host's operators.
        outputs: float64 [n, ...], before the host's operators; several side by side, see ir.batch.

    The key of an only output is "y"; several have their names, made fit for a file's name, and made different.
    """
    parts = apart(ends(interface, interface.outputs), outputs)
    keyed: dict[str, Array] = {}
    for place, (name, value) in enumerate(parts.items()):
        key = ONE if len(parts) == 1 else for_path(name)
        while key in keyed:
            key += "_"
        keyed[key] = _narrow(np.asarray(host.apply(host.tail_of(interface.host, place), value)))
    return keyed


def worth(interface: Graph, outputs: Array, data: Dataset) -> Worth:
    """Judge outputs [n, ...], before the host's operators, by the data's labels or targets; see samples.judge."""
    if not data.labelled or not len(outputs):
        return Worth()
    parts = apart(ends(interface, interface.outputs), outputs)
    found: dict[str, Worth] = {}
    for place, (name, value) in enumerate(parts.items()):
        if data.of(place) is not None:
            judged = judge(interface, value, data, output=place)
            share = judged.score(value).value / 100
            found[name] = Worth(accuracy=share) if judged.task == "classify" else Worth(explained=share)
    accuracy = min((own.accuracy for own in found.values() if own.accuracy is not None), default=None)
    explained = min((own.explained for own in found.values() if own.explained is not None), default=None)
    return Worth(accuracy, explained, None if len(parts) == 1 else found)


def to_npz(answers: Mapping[str, Array]) -> bytes:
    """Return the file of `final` answers: the same answers are the same bytes."""
    return write_npz(answers)


def _narrow(value: Array) -> Array:
    return value.astype(np.int64 if value.dtype.kind in "iu" else np.float32)
