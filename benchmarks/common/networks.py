"""Networks with random weights at the densities that pruning leaves, quantised, for synthesis."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from emcc.ir.graph import Array, Format, Graph, Node, Tensor

CODE_W, ACT_W, FRAC, WEIGHT_FRAC = 4, 16, 8, 12


@dataclass(frozen=True)
class Network:
    """Fully-connected layers over `sizes`, ReLU between them; `densities` are shares of non-zero weights."""

    name: str
    sizes: Sequence[int]
    densities: Sequence[float]


# Han, Mao and Dally, Deep Compression (ICLR 2016), table 2.
LENET_300_100 = Network("LeNet-300-100", (784, 300, 100, 10), (0.08, 0.09, 0.26))
SMALL = Network("64-32-10", (64, 32, 10), (0.3, 0.5))


def quantised(network: Network, seed: int = 300) -> Graph:
    """The network as after the quantise pass: activations of 16 bits, codes of 4, the same every time."""
    rng = np.random.default_rng(seed)
    tensors = {"y0": Tensor("y0", (None, network.sizes[0]), fmt=Format(ACT_W, FRAC))}
    constants: dict[str, Array] = {}
    nodes = []
    for i, ((n_in, n_out), density) in enumerate(zip(pairwise(network.sizes), network.densities, strict=True)):
        codes = rng.integers(1, 1 << CODE_W, (n_out, n_in), np.uint8)
        codes[rng.random(codes.shape) >= density] = 0
        book = np.append(0, rng.normal(0, 400, (1 << CODE_W) - 1).round().astype(np.int64))
        constants |= {f"codes{i}": codes, f"book{i}": book, f"bias{i}": rng.integers(-100_000, 100_000, n_out)}
        attrs = {"code_w": CODE_W, "weight_frac": WEIGHT_FRAC, "z_frac": FRAC, "shift": WEIGHT_FRAC, "act_w": ACT_W}
        attrs |= {"function": "relu" if i < len(network.densities) - 1 else "identity", "lo_bits": 0, "hi_bits": 0}
        inputs = (f"y{i}", f"codes{i}", f"book{i}", f"bias{i}")
        nodes.append(Node(f"layer{i}", "QLinear", inputs, (f"y{i + 1}",), attrs))
        tensors[f"y{i + 1}"] = Tensor(f"y{i + 1}", (None, n_out), fmt=Format(ACT_W, FRAC))
    return Graph(network.name, ("y0",), (f"y{len(nodes)}",), tuple(nodes), tensors, constants)
