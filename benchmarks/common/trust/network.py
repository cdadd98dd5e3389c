"""A float perceptron: trained by torch in seconds, from a seed, and written as ONNX in raw units."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks.common.trust.problems import Problem, Samples
from emcc.ir.graph import Array

BATCH, RATE, DECAY, EPSILON = 32, 5e-3, 1e-2, 1e-5


@dataclass(frozen=True)
class Trained:
    """What was learned, float32.

    Attributes:
        mean, scale: [features], what raw inputs less the mean are divided by; gain, shift: [features], applied then.
        layers: (weights [out, in], biases [out]) each, ReLU between them.
        out_mean, out_scale: [outputs], of a regression's targets.
    """

    mean: Array
    scale: Array
    gain: Array
    shift: Array
    layers: list[tuple[Array, Array]]
    out_mean: Array
    out_scale: Array


def train(problem: Problem, samples: Samples, seed: int) -> Trained:
    """Train with AdamW and a rate that falls along a cosine; normalised inside, on these samples' mean and spread."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = samples
    mean, scale = _spread(x, problem.front != "none")
    out_mean, out_scale = _spread(y.reshape(len(y), -1), not problem.classifies)
    normal = torch.from_numpy((x - mean) / scale)
    aim = torch.from_numpy(y if problem.classifies else (y - out_mean) / out_scale)
    outputs = 1 if problem.head == "sigmoid" else int(y.max()) + 1 if problem.classifies else y.shape[1]
    widths = (x.shape[1], *problem.hidden, outputs)
    linears = [torch.nn.Linear(inner, outer) for inner, outer in pairwise(widths)]
    gain = torch.ones(x.shape[1], requires_grad=problem.front == "batchnorm")
    shift = torch.zeros(x.shape[1], requires_grad=problem.front == "batchnorm")
    learned = [value for linear in linears for value in linear.parameters()]
    learned += [value for value in (gain, shift) if value.requires_grad]
    optimiser = torch.optim.AdamW(learned, RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, problem.steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(problem.steps):
        rows = torch.randperm(len(x), generator=generator)[:BATCH]
        value = normal[rows] * gain + shift
        for linear in linears[:-1]:
            value = torch.relu(linear(value))
        optimiser.zero_grad()
        _loss(torch, problem, linears[-1](value), aim[rows]).backward()
        optimiser.step()
        schedule.step()
    layers = [(linear.weight.detach().numpy(), linear.bias.detach().numpy()) for linear in linears]
    return Trained(mean, scale, gain.detach().numpy(), shift.detach().numpy(), layers, out_mean, out_scale)


def _loss(torch: Any, problem: Problem, value: Any, aim: Any) -> Any:
    functional = torch.nn.functional
    if problem.head == "sigmoid":
        return functional.binary_cross_entropy_with_logits(value[:, 0], aim.float())
    return functional.cross_entropy(value, aim) if problem.classifies else functional.mse_loss(value, aim)


def _spread(values: Array, wanted: bool) -> tuple[Array, Array]:
    """Return mean and standard deviation of each column, float32; 0 and 1 where not wanted, 1 where nothing moves."""
    if not wanted:
        return np.zeros(values.shape[1], np.float32), np.ones(values.shape[1], np.float32)
    wide = values.astype(np.float64)
    deviation = np.sqrt(wide.var(axis=0) + EPSILON)
    return wide.mean(axis=0).astype(np.float32), np.where(wide.std(axis=0) > 0, deviation, 1.0).astype(np.float32)


def export(problem: Problem, trained: Trained, name: str) -> bytes:
    """Return the ONNX file: input "x" [n, features] in raw units, output "y" [n, outputs]."""
    nodes: list[Any] = []
    constants: dict[str, Array] = {}

    def add(op: str, source: str, target: str, inputs: dict[str, Array], **attributes: Any) -> str:
        constants.update(inputs)
        nodes.append(helper.make_node(op, [source, *inputs], [target], target, **attributes))
        return target

    layers, at = list(trained.layers), "x"
    if problem.front == "batchnorm":
        moments = {"mean": trained.mean, "variance": np.square(trained.scale) - np.float32(EPSILON)}
        affine = {"gain": trained.gain, "shift": trained.shift}
        at = add("BatchNormalization", at, "normal", {**affine, **moments}, epsilon=EPSILON)
    elif problem.front == "subdiv":
        at = add("Sub", at, "centred", {"mean": trained.mean})
        at = add("Div", at, "normal", {"scale": trained.scale})
    elif problem.front == "folded":
        weights, bias = layers[0]
        layers[0] = (weights / trained.scale, bias - (weights / trained.scale) @ trained.mean)
    if problem.head == "folded":
        weights, bias = layers[-1]
        layers[-1] = (weights * trained.out_scale[:, None], bias * trained.out_scale + trained.out_mean)
    for place, (weights, bias) in enumerate(layers):
        at = add("Gemm", at, f"layer{place}", {f"weight{place}": weights, f"bias{place}": bias}, transB=1)
        at = add("Relu", at, f"relu{place}", {}) if place + 1 < len(layers) else at
    if problem.head == "scaled":
        at = add("Mul", at, "spread", {"out_scale": trained.out_scale})
        at = add("Add", at, "raw", {"out_mean": trained.out_mean})
    elif problem.head == "softmax":
        add("Softmax", at, "shares", {}, axis=1)
    elif problem.head == "sigmoid":
        add("Sigmoid", at, "share", {})
    nodes[-1].output[0] = "y"
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", len(trained.mean)])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", len(trained.layers[-1][1])])],
        [numpy_helper.from_array(np.asarray(value, np.float32), key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="emcc benchmark")
    model.ir_version = 10
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())
