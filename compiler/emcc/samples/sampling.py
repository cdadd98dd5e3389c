"""Samples of a Dataset, or noise in their place, and their integers."""

import numpy as np

from emcc.base.errors import EmccError
from emcc.ir.graph import Array, Format, Graph
from emcc.ir.program import Program
from emcc.ops.interpret import whole
from emcc.samples.dataset import Dataset
from emcc.samples.split import spread

SAMPLES = 4096
NOISE = 256
SEED = 0


def sample(graph: Graph, data: Dataset | None, count: int = SAMPLES) -> Dataset:
    """Return at most `count` samples spread evenly over the data; without data, seeded noise: standard normal, or any
    integers where the model takes such."""
    if data is None:
        shape = whole(graph, graph.inputs)
        rng = np.random.default_rng(SEED)
        integers = _integers(graph)
        if integers is not None:
            return Dataset(rng.integers(*integers, (min(count, NOISE), *shape)).astype(np.float32))
        return Dataset(rng.standard_normal((min(count, NOISE), *shape)).astype(np.float32))
    rows = spread(len(data), count)
    return Dataset(np.asarray(data.x[rows]), None if data.y is None else data.y[rows])


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
    """Return float samples [n, ...] on the input's scales: float64 integers [n, elements], in the model's order.

    Nothing is saturated: `input_format` says what the array takes.

    Raises:
        EmccError: the samples are not in the model's shape, or some are NaN.
    """
    if x.shape[1:] != program.inputs[0].shape:
        raise EmccError(f"x has samples of shape {x.shape[1:]}; the model takes {program.inputs[0].shape}")
    if np.isnan(x).any():
        raise EmccError("x has NaN in it")
    return input_format(program).rounded(program.inputs[0].affine.enter(np.asarray(x, np.float64)))


def input_format(program: Program) -> Format:
    """Return the format of the program's input."""
    return program.buffers[program.inputs[0].buffer].fmt


def quantised(program: Program, x: Array) -> Array:
    """Return float samples [n, ...] as the array takes them: int64 [n, elements], flattened in the model's order.

    Raises:
        EmccError: the samples are not in the model's shape, or some are NaN.
    """
    return saturated(program, scaled(program, x))


def saturated(program: Program, values: Array) -> Array:
    """Return what `scaled` gave as the array takes it: int64."""
    fmt = input_format(program)
    return np.clip(values, fmt.low, fmt.high).astype(np.int64)


def dequantised(program: Program, integers: Array, output: int = 0) -> Array:
    """Return what the array gave as an output, int64 [n, elements] in the model's order, in floats: float64 [n, ...].

    The host's operators behind the last layer are not applied (ops.host does that).
    """
    port = program.outputs[output]
    values = port.affine.leave(program.buffers[port.buffer].fmt.dequantise(integers))
    return values.reshape(len(integers), *port.shape)
