"""What compression and fixed point cost in accuracy, measured with the models themselves."""

from typing import Any

import numpy as np

from emcc.eie import reference
from emcc.ir.graph import Array, Graph
from emcc.ir.program import Program
from emcc.ops import interpret
from emcc.ops.host import accuracy, classes
from emcc.samples.dataset import Dataset
from emcc.samples.sampling import dequantised, quantised

BATCH = 1000


def agreement(before: Array | None, after: Array | None) -> float | None:
    """Return the share of samples with the same class, both int64 [n]; None where either has no classes."""
    return None if before is None or after is None else float(np.mean(before == after))


def measure(original: Graph, shared: Graph, program: Program, data: Dataset, real: bool) -> dict[str, Any]:
    """Return accuracy (with labels), agreement (with data), and the error of fixed point alone.

    Args:
        original, shared: folded float graphs, before compression and after it; `program` is `shared` in integers.
        data: the samples; `real` is false where they are noise, on which classes mean nothing.
    """
    wide = data.x.astype(np.float64)
    before, after = (np.asarray(interpret.run(graph, wide), np.float64) for graph in (original, shared))
    integers = reference.run(program, quantised(program, data.x))
    fixed = dequantised(program, integers).reshape(after.shape)
    classified = (classes(program.host, outputs) for outputs in (before, fixed))
    return {
        "samples": len(data),
        "synthetic": not real,
        "labels": data.y is not None,
        "float_accuracy": accuracy(program.host, before, data.y),
        "compressed_accuracy": accuracy(program.host, fixed, data.y),
        "agreement": agreement(*classified) if real else None,
        "fixed_error_max": float(np.abs(fixed - after).max()),
        "fixed_error_rms": float(np.sqrt(np.mean(np.square(fixed - after)))),
        "output_range": float(np.abs(after).max()),
    }


def stored(original: Graph, held: Graph, data: Dataset) -> dict[str, Any]:
    """Measure a model.emc, decoded, as it will run: in integers where it holds integers.

    Return samples; accuracy of both, as a share, None without labels or classes; agreement: the share with the same
    class, or of the original outputs' variance that is explained where outputs are no classes.

    Args:
        original: the folded float graph; held: what model.emc holds of it, compressed.
    """
    originals, decoded = [], []
    for begin in range(0, len(data), BATCH):
        x = np.asarray(data.x[begin : begin + BATCH])
        originals.append(np.asarray(interpret.run(original, x), np.float64))
        decoded.append(interpret.answers(held, x))
    before = np.concatenate(originals)
    after = np.concatenate(decoded).reshape(before.shape)
    same = agreement(*(classes(original.host, outputs) for outputs in (before, after)))
    return {
        "samples": len(data),
        "accuracy_before": accuracy(original.host, before, data.y),
        "accuracy": accuracy(original.host, after, data.y),
        "agreement": _explained(before, after) if same is None else same,
        "classes": same is not None,
    }


def _explained(before: Array, after: Array) -> float:
    """Return the share of the variance of `before` that `after` explains."""
    return 1 - float(np.square(after - before).mean() / (before.var(0).mean() or 1.0))
