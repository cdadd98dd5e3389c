"""LeNet-300-100 and LeNet-5 (Caffe's: 20-50-500-10, no activation after the convolutions), trained from scratch."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

SHAPES = {
    "lenet300100": {"ip1": (300, 784), "ip2": (100, 300), "ip3": (10, 100)},
    "lenet5": {"conv1": (20, 1, 5, 5), "conv2": (50, 20, 5, 5), "ip1": (500, 800), "ip2": (10, 500)},
}
"""Weights by layer; every layer has a bias an output: 266,610 and 431,080 parameters."""

FINISH = 2
Weights = dict[str, np.ndarray]


def parameters(kind: str) -> int:
    """All weights and biases."""
    return sum(math.prod(shape) + shape[0] for shape in SHAPES[kind].values())


def forward(
    torch: Any, kind: str, weights: dict[str, Any], x: Any, dropout: float = 0.0, input_dropout: float = 0.0
) -> Any:
    """Logits [n, 10] of x [n, 1, 28, 28]; `dropout` of hidden activations that enter fully connected layers."""
    functional = torch.nn.functional
    names = list(SHAPES[kind])
    x = functional.dropout(x, input_dropout)
    for name in names:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        if weight.ndim == 4:
            x = functional.max_pool2d(functional.conv2d(x, weight, bias), 2)
        else:
            x = x.flatten(1) if name == names[0] else functional.dropout(x.flatten(1), dropout)
            x = functional.linear(x, weight, bias)
            x = x if name == names[-1] else functional.relu(x)
    return x


def train(
    kind: str,
    x: np.ndarray,
    y: np.ndarray,
    *,
    seed: int,
    epochs: int,
    augment: str,
    threads: int,
    dropout: float = 0.0,
    input_dropout: float = 0.0,
    weight_decay: float = 0.0,
    say: Callable[[str], None] = print,
) -> Weights:
    """Adam with a one-cycle rate. `augment` as in emcc's [search]; the last FINISH epochs see the data as it is."""
    import torch

    from emcc.compress.augment import Augment

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 77])
    weights = {}
    for name, shape in SHAPES[kind].items():
        deviation = math.sqrt(2 / math.prod(shape[1:]))
        weights[f"{name}.weight"] = (torch.randn(shape) * deviation).requires_grad_()
        weights[f"{name}.bias"] = torch.zeros(shape[0]).requires_grad_()
    batch = 128
    steps = len(x) // batch
    groups = [
        {"params": [weight for weight in weights.values() if (weight.ndim > 1) == decays], "weight_decay": by}
        for decays, by in ((True, weight_decay), (False, 0.0))
    ]
    optimiser = torch.optim.AdamW(groups, lr=1e-3, foreach=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, epochs * steps, pct_start=0.2)
    warp = Augment(torch, augment, x.shape[1:])
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        warp.begin(rng)
        total = 0.0
        for begin in range(0, steps * batch, batch):
            rows = np.sort(order[begin : begin + batch])
            clean = 1.0 if epoch >= epochs - FINISH else 0.0
            images = warp(torch.from_numpy(x[rows]), rng, clean)
            images = images.contiguous(memory_format=torch.channels_last)
            got, labels = forward(torch, kind, weights, images, dropout, input_dropout), torch.from_numpy(y[rows])
            loss = torch.nn.functional.cross_entropy(got, labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        say(f"training, epoch {epoch + 1} of {epochs}: loss {total / steps:.4f}")
    return {name: value.detach().numpy() for name, value in weights.items()}


def export(kind: str, weights: Weights) -> bytes:
    """The model as ONNX: input x [n, 1, 28, 28], output logits [n, 10]."""
    nodes, at = [], "x"
    names = list(SHAPES[kind])
    for name in names:
        inputs = [at, f"{name}.weight", f"{name}.bias"]
        if weights[f"{name}.weight"].ndim == 4:
            nodes.append(helper.make_node("Conv", inputs, [f"{name}.out"], name, kernel_shape=[5, 5]))
            pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
            nodes.append(helper.make_node("MaxPool", [f"{name}.out"], [f"{name}.pool"], f"{name}.max", **pool))
            at = f"{name}.pool"
            continue
        if not at.endswith(".relu"):
            nodes.append(helper.make_node("Flatten", [at], ["flat"], "flatten"))
            inputs[0] = "flat"
        at = "logits" if name == names[-1] else f"{name}.out"
        nodes.append(helper.make_node("Gemm", inputs, [at], name, transB=1))
        if name != names[-1]:
            nodes.append(helper.make_node("Relu", [at], [f"{name}.relu"], f"{name}.act"))
            at = f"{name}.relu"
    graph = helper.make_graph(
        nodes,
        kind,
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 1, 28, 28])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="emcc benchmark")
    model.ir_version = 10
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
