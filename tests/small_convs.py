"""Small convolutional models with a step of every kind, for what is built and run of them."""

import numpy as np
import onnx
from models import model, node


def small_conv(seed: int = 0, hosted: bool = False, side: int = 8) -> onnx.ModelProto:
    """Two convolutions, a depthwise one, pools, a sum, a Concat and a Gemm; `hosted`: rows doubled by the host.

    A Concat of rows is what no step of the array does.
    """
    rng = np.random.default_rng(seed)

    def sparse(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) * 0.4 * (rng.random(shape) < 0.5)).astype(np.float32)

    weights = {
        **{"k1": sparse(6, 2, 3, 3), "b1": sparse(6), "k2": sparse(6, 6, 3, 3), "kd": sparse(6, 1, 3, 3)},
        **{"w": sparse(5, 12), "b": sparse(5)},
    }
    before = "t" if hosted else "s"
    nodes = [
        node("Conv", ["x", "k1", "b1"], "c1", "conv1", pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], "r1", "act1"),
        node("MaxPool", ["r1"], "p1", "pool1", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p1", "k2"], "c2", "conv2", pads=[1, 1, 1, 1]),
        node("Relu", ["c2"], "r2", "act2"),
        node("Add", ["r2", "p1"], "s", "sum"),
        *([node("Concat", ["s", "p1"], "t", "stack", axis=2)] * hosted),
        node("Conv", [before, "kd"], "c3", "depthwise", pads=[1, 1, 1, 1], group=6),
        node("Concat", ["c3", before], "j", "join", axis=1),
        node("GlobalAveragePool", ["j"], "g", "mean"),
        node("Flatten", ["g"], "f", "flat", axis=1),
        node("Gemm", ["f", "w", "b"], "y", "fc", transB=1),
    ]
    return model(nodes, ["n", 2, side, side], ["n", 5], weights=weights)


def images(count: int, seed: int = 0, side: int = 8) -> np.ndarray:
    """Samples for it: normal, a third of the elements 0."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 2, side, side)) * (rng.random((count, 2, side, side)) < 0.67)
    return x.astype(np.float32)
