"""Train the 64-300-100-10 perceptron of the demo on scikit-learn's handwritten digits, and write it as ONNX.

    python examples/digits/train.py [FOLDER]

Writes digits.onnx, train.npz and test.npz (x float32 [n, 64] in 0..1, y int64 [n]) next to this file, or in FOLDER.
Needs torch, onnx and scikit-learn (`pip install -e '.[train,dev]'`). One thread and a fixed seed: the same machine
and the same versions give the same bytes.
"""

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

SIZES = (64, 300, 100, 10)
SEED = 1
HELD_OUT = 360
EPOCHS = 60
BATCH = 32


def split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x and y to train on, x and y held out; the order is drawn from SEED."""
    digits = load_digits()
    x = (digits.data / 16.0).astype(np.float32)
    y = digits.target.astype(np.int64)
    order = np.random.default_rng(SEED).permutation(len(x))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    return x[train], y[train], x[test], y[test]


def train(x: np.ndarray, y: np.ndarray) -> torch.nn.Sequential:
    """A trained network: Linear, ReLU, Linear, ReLU, Linear."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    layers: list[torch.nn.Module] = []
    for n_in, n_out in pairwise(SIZES):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(inputs)).split(BATCH):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs[batch]), labels[batch]).backward()
            optimiser.step()
        schedule.step()
    return model.eval()


def to_onnx(model: torch.nn.Sequential) -> onnx.ModelProto:
    """The network as Gemm and Relu nodes, opset 17."""
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    linear: list[Any] = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
    value = "pixels"
    for index, layer in enumerate(linear, 1):
        weight, bias = f"fc{index}.weight", f"fc{index}.bias"
        constants.append(numpy_helper.from_array(layer.weight.detach().numpy(), weight))
        constants.append(numpy_helper.from_array(layer.bias.detach().numpy(), bias))
        last = index == len(linear)
        result = "logits" if last else f"fc{index}.out"
        nodes.append(helper.make_node("Gemm", [value, weight, bias], [result], name=f"fc{index}", transB=1))
        value = result
        if not last:
            nodes.append(helper.make_node("Relu", [value], [f"relu{index}.out"], name=f"relu{index}"))
            value = f"relu{index}.out"
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", SIZES[0]])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", SIZES[-1]])],
        constants,
    )
    proto = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
    proto.producer_name = "examples/digits/train.py"
    onnx.checker.check_model(proto, full_check=True)
    return proto


def main() -> None:
    """Train, export, and say how well it does on the held-out digits."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    x, y, x_test, y_test = split()
    model = train(x, y)
    with torch.no_grad():
        right = float((model(torch.from_numpy(x_test)).argmax(1).numpy() == y_test).mean())
    (folder / "digits.onnx").write_bytes(to_onnx(model).SerializeToString(deterministic=True))
    np.savez_compressed(folder / "train.npz", x=x, y=y)
    np.savez_compressed(folder / "test.npz", x=x_test, y=y_test)
    print(f"{len(x)} digits to train on, {len(x_test)} held out: {right:.2%} right")


if __name__ == "__main__":
    main()
