"""Samples of a Dataset, or noise in their place, and their integers."""

import math

import numpy as np

from emcc.base.errors import EmccError
from emcc.ir.batch import apart, ends, joined, sample_shape
from emcc.ir.graph import INDICES, Array, Format, Graph
from emcc.ir.program import Port, Program
from emcc.ops.embedding import rows_read
from emcc.samples.dataset import Dataset
from emcc.samples.split import spread

SAMPLES = 4096
NOISE, LEAST, NOISE_ELEMENTS = 256, 16, 1 << 28
MOST = 1 << 24
"""Elements of the inputs, or of the outputs, of all noise: a small file may name large ones."""

SEED = 0


def sample(graph: Graph, data: Dataset | None, count: int = SAMPLES) -> Dataset:
    """Return at most `count` samples spread evenly over the data; without data, seeded noise.

    Noise is standard normal, or any integers where the model takes such: NOISE samples, of models with large tensors
    fewer, down to LEAST; of large inputs or outputs no more than MOST elements, down to one sample.
    """
    if data is None:
        shape = sample_shape(ends(graph))
        elements = sum(tensor.features for tensor in graph.tensors.values())
        widest = max(sum(graph.tensors[name].features for name in side) for side in (graph.inputs, graph.outputs))
        count = min(count, NOISE, max(LEAST, NOISE_ELEMENTS // max(elements, 1)), max(1, MOST // max(widest, 1)))
        rng = np.random.default_rng(SEED)
        if any(graph.tensors[name].dtype in INDICES for name in graph.inputs):
            parts = [_noise(graph, name, rng, (count, *own)) for name, own in ends(graph).items()]
            return Dataset(np.asarray(joined(np, parts)))
        integers = _integers(graph)
        if integers is not None:
            return Dataset(rng.integers(*integers, (count, *shape)).astype(np.float32))
        return Dataset(_normal(rng, count, shape))
    rows = spread(len(data), count)
    return data.taken(rows)


def _normal(rng: np.random.Generator, count: int, shape: tuple[int, ...]) -> Array:
    """Return standard normal noise [count, ...]: float32 of numpy's float64, a sample at a time."""
    x = np.empty((count, *shape), np.float32)
    for row in x:
        row[...] = rng.standard_normal(shape)
    return x


def _noise(graph: Graph, name: str, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return noise for one of the inputs of a model that picks rows by some; integers as floats where it has others."""
    if graph.tensors[name].dtype not in INDICES:
        return rng.standard_normal(shape).astype(np.float32)
    return rng.integers(rows_read(graph, name) or 1, size=shape).astype(
        "int32" if len(graph.inputs) == 1 else "float32"
    )


def _integers(graph: Graph) -> tuple[int, int] | None:
    """Return (the least, one more than the most) of a quantised model's one input of integers, or None."""
    if len(graph.inputs) != 1:
        return None
    (name,) = graph.inputs
    if graph.tensors[name].dtype in ("int8", "int16", "uint8", "uint16"):
        held = np.iinfo(graph.tensors[name].dtype)
        return held.min, held.max + 1
    if name in graph.ranges and name in graph.affines:
        scale, offset = graph.affines[name].scale[0], graph.affines[name].offset[0]
        low, high = graph.ranges[name]
        return round(low / scale + offset), round(high / scale + offset) + 1
    return None


def scaled(program: Program, x: Array) -> Array:
    """Return float samples [n, ...] on the inputs' scales: float64 integers [n, elements], in the model's order.

    Several inputs are side by side (ir.batch). Nothing is saturated: `saturated` does that.

    Raises:
        EmccError: the samples are not in the model's shape, or some are NaN.
    """
    taken = ends(program)
    if x.shape[1:] != sample_shape(taken):
        raise EmccError(f"x has samples of shape {x.shape[1:]}; the model takes {sample_shape(taken)}")
    if np.isnan(x).any():
        raise EmccError("x has NaN in it")
    parts = apart(taken, np.asarray(x, np.float64))
    entered = [format_of(program, port).rounded(port.affine.enter(parts[port.name])) for port in program.inputs]
    return np.asarray(joined(np, entered))


def format_of(program: Program, port: Port) -> Format:
    """Return the format of one of the program's inputs or outputs."""
    return program.buffers[port.buffer].fmt


def limits(program: Program) -> tuple[Array, Array]:
    """Return the least and the largest integer of every element of the inputs: int64 [elements]."""
    formats = [(format_of(program, port), math.prod(port.shape)) for port in program.inputs]
    low, high = (
        np.repeat([getattr(fmt, end) for fmt, _ in formats], [n for _, n in formats]) for end in ("low", "high")
    )
    return low, high


def quantised(program: Program, x: Array) -> Array:
    """Return float samples [n, ...] as the array takes them: int64 [n, elements], flattened in the model's order.

    Raises:
        EmccError: the samples are not in the model's shape, or some are NaN.
    """
    return saturated(program, scaled(program, x))


def saturated(program: Program, values: Array) -> Array:
    """Return what `scaled` gave as the array takes it: int64."""
    return np.clip(values, *limits(program)).astype(np.int64)


def by_input(program: Program, integers: Array) -> dict[str, Array]:
    """Return what `saturated` gave by the input's name: int64 [n, elements] each."""
    return apart({port.name: (math.prod(port.shape),) for port in program.inputs}, integers)


def dequantised(program: Program, integers: Array) -> Array:
    """Return what the array gave, int64 [n, elements] in the model's order, in floats: float64 [n, ...]; see ir.batch.

    The host's operators behind the last layer are not applied (ops.host does that).
    """
    parts = apart({port.name: (math.prod(port.shape),) for port in program.outputs}, integers)
    left = [port.affine.leave(format_of(program, port).dequantise(parts[port.name])) for port in program.outputs]
    shaped = [value.reshape(len(value), *port.shape) for value, port in zip(left, program.outputs, strict=True)]
    return np.asarray(joined(np, shaped))
