"""What compression and fixed point cost in accuracy, measured with the models themselves."""

from typing import Any

import numpy as np

from emcc.eie import reference
from emcc.ir.graph import Array, Graph
from emcc.ir.program import Program
from emcc.ops import interpret
from emcc.ops.host import accuracy, classes
from emcc.samples.dataset import Dataset

SAMPLES = 4096
NOISE = 256
BATCH = 1000
SEED = 0


def sample(graph: Graph, data: Dataset | None, count: int = SAMPLES) -> Dataset:
    """At most `count` samples, spread evenly over the data; without data, seeded standard normal noise."""
    if data is None:
        shape = tuple(int(size or 1) for size in graph.tensors[graph.inputs[0]].shape[1:])
        noise = np.random.default_rng(SEED).standard_normal((min(count, NOISE), *shape))
        return Dataset(noise.astype(np.float32))
    rows = np.arange(min(count, len(data)), dtype=np.int64) * len(data) // min(count, len(data))
    return Dataset(np.asarray(data.x[rows]), None if data.y is None else data.y[rows])


def quantised_input(program: Program, x: Array) -> Array:
    """Samples as the array takes them: int64 [n, elements], flattened in the model's order."""
    return program.layers[0].in_fmt.quantise(np.asarray(x).reshape(len(x), -1))


def measure(original: Graph, shared: Graph, program: Program, data: Dataset, real: bool) -> dict[str, Any]:
    """Accuracy (with labels) and agreement (with data), and the error of fixed point alone.

    Args:
        original, shared: folded float graphs, before compression and after it; `program` is `shared` in integers.
        data: the samples; `real` is false where they are noise, on which classes mean nothing.
    """
    wide = data.x.astype(np.float64)
    before, after = (np.asarray(interpret.run(graph, wide), np.float64) for graph in (original, shared))
    integers = reference.run(program, quantised_input(program, data.x))
    fixed = program.layers[-1].out_fmt.dequantise(integers).reshape(after.shape)
    found = {
        "samples": len(data),
        "synthetic": not real,
        "labels": data.y is not None,
        "float_accuracy": accuracy(program.host, before, data.y),
        "compressed_accuracy": accuracy(program.host, fixed, data.y),
        "agreement": None,
        "fixed_error_max": float(np.abs(fixed - after).max()),
        "fixed_error_rms": float(np.sqrt(np.mean(np.square(fixed - after)))),
        "output_range": float(np.abs(after).max()),
    }
    said, now = classes(program.host, before), classes(program.host, fixed)
    if real and said is not None and now is not None:
        found["agreement"] = float(np.mean(said == now))
    return found


def stored(original: Graph, held: Graph, data: Dataset) -> dict[str, Any]:
    """Of a model.emc, decoded, as it will run: in integers where it holds integers.

    samples; accuracy of both, as a share, None without labels or classes; agreement: the share with the same class,
    or of the original outputs' variance that is explained where outputs are no classes.

    Args:
        original: the folded float graph; held: what model.emc holds of it, compressed.
    """
    source = held.tensors[held.inputs[0]].fmt
    target = held.tensors[held.outputs[0]].fmt
    before, after = [], []
    for begin in range(0, len(data), BATCH):
        x = np.asarray(data.x[begin : begin + BATCH])
        before.append(np.asarray(interpret.run(original, x), np.float64))
        y = np.asarray(interpret.run(held, source.quantise(x) if source else x))
        after.append(target.dequantise(y) if source and target else y.astype(np.float64))
    was, now = np.concatenate(before), np.concatenate(after).reshape(-1, *before[0].shape[1:])
    said, says = classes(original.host, was), classes(original.host, now)
    if said is not None and says is not None:
        agreement = float(np.mean(said == says))
    else:
        agreement = 1 - float(np.square(now - was).mean() / (was.var(0).mean() or 1.0))
    return {
        "samples": len(data),
        "accuracy_before": accuracy(original.host, was, data.y),
        "accuracy": accuracy(original.host, now, data.y),
        "agreement": agreement,
        "classes": said is not None,
    }
