"""What is left to the host after the last layer: Softmax, LogSoftmax, ArgMax; and how often a classifier is right."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emcc.ir.graph import Array

Tail = Sequence[tuple[str, Mapping[str, Any]]]


def apply(tail: Tail, outputs: Array) -> Array:
    """Outputs [n, ...] after the operators in `tail`, with ONNX's meaning and defaults."""
    for op, attrs in tail:
        outputs = _OPERATORS[op](outputs, attrs)
    return outputs


def classes(tail: Tail, outputs: Array) -> Array | None:
    """The class of each sample, int64 [n]: what ArgMax said, or the place of the largest of a vector's elements.

    None where a sample's output is neither one integer nor a vector.
    """
    final = apply(tail, outputs)
    lengths = [length for length in final.shape[1:] if length != 1]
    if any(op == "ArgMax" for op, _ in tail):
        return None if lengths else final.reshape(len(final)).astype(np.int64)
    return final.reshape(len(final), -1).argmax(axis=1) if len(lengths) == 1 else None


def accuracy(tail: Tail, outputs: Array, labels: Array | None) -> float | None:
    """The share of samples whose class is their label, or None where there are no labels or no classes."""
    if labels is None or not len(outputs) or not np.issubdtype(labels.dtype, np.integer):
        return None
    found = classes(tail, outputs)
    return None if found is None else float(np.mean(found == labels.reshape(len(labels))))


def _log_softmax(x: Array, attrs: Mapping[str, Any]) -> Array:
    axis = int(attrs.get("axis", -1))
    shifted = x - x.max(axis=axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)))


def _softmax(x: Array, attrs: Mapping[str, Any]) -> Array:
    return np.asarray(np.exp(_log_softmax(x, attrs)))


def _arg_max(x: Array, attrs: Mapping[str, Any]) -> Array:
    axis = int(attrs.get("axis", 0)) % x.ndim
    best = x.argmax(axis=axis)
    if attrs.get("select_last_index"):
        best = x.shape[axis] - 1 - np.flip(x, axis).argmax(axis=axis)
    return np.expand_dims(best, axis) if attrs.get("keepdims", 1) else best


_OPERATORS = {"Softmax": _softmax, "LogSoftmax": _log_softmax, "ArgMax": _arg_max}

CLASSIFIERS = tuple(_OPERATORS)
"""What makes classes of scores."""
