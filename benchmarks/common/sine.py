"""A perceptron 1-16-16-1 that is near a sine, as the examples of other compilers for small processors are."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZES = (1, 16, 16, 1)
STEPS, RATE = 4000, 0.02


def samples(count: int) -> np.ndarray:
    """Return float32 [count, 1] places over a turn."""
    return np.linspace(0, 2 * np.pi, count, dtype=np.float32)[:, None]


def write(path: Path) -> None:
    """Train by gradients of the squared error (Adam, seed 0), the layers with ReLU, and write the ONNX file."""
    rng, x = np.random.default_rng(0), samples(256).astype(np.float64)
    layers = [
        [rng.standard_normal((a, b)) * (2 / a) ** 0.5, rng.uniform(-1, 1, b) if a == 1 else np.zeros(b)]
        for a, b in pairwise(SIZES)
    ]
    moved = [[[np.zeros_like(part), np.zeros_like(part)] for part in layer] for layer in layers]
    for step in range(1, STEPS + 1):
        values = [x / np.pi - 1]
        for number, (weights, bias) in enumerate(layers):
            sums = values[-1] @ weights + bias
            values.append(np.maximum(sums, 0) if number < len(layers) - 1 else sums)
        slope = 2 * (values[-1] - np.sin(x)) / len(x)
        rate = RATE * (1 - step / (STEPS + 1))
        for number in reversed(range(len(layers))):
            weights = layers[number][0]
            slopes = (values[number].T @ slope, slope.sum(axis=0))
            slope = (slope @ weights.T) * (values[number] > 0)
            for part, of, (mean, square) in zip(range(2), slopes, moved[number], strict=True):
                mean += 0.1 * (of - mean)
                square += 0.001 * (of * of - square)
                sized = np.sqrt(square / (1 - 0.999**step)) + 1e-8
                layers[number][part] = layers[number][part] - rate * mean / (1 - 0.9**step) / sized
    layers[0] = [layers[0][0] / np.pi, layers[0][1] - layers[0][0][0]]
    onnx.save(_model([(weights.astype(np.float32), bias.astype(np.float32)) for weights, bias in layers]), path)


def _model(layers: list[tuple[np.ndarray, np.ndarray]]) -> onnx.ModelProto:
    nodes, tensors, value = [], [], "x"
    for number, (weights, bias) in enumerate(layers):
        last = number == len(layers) - 1
        tensors += [numpy_helper.from_array(weights, f"w{number}"), numpy_helper.from_array(bias, f"b{number}")]
        sums = "y" if last else f"sums{number}"
        nodes.append(helper.make_node("Gemm", [value, f"w{number}", f"b{number}"], [sums]))
        if not last:
            value = f"held{number}"
            nodes.append(helper.make_node("Relu", [sums], [value]))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "sine", ends[:1], ends[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
