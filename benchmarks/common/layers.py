"""The nine fully-connected layers of Han et al., EIE (ISCA 2016), tables III and IV, with random weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emcc.ir.graph import Array, Format, Graph, Node, Tensor

SEED = 1602
CASES = ("random", "unbalanced")
SIGMA = 0.5
CODE_W, ACT_W, IN_FRAC, WEIGHT_FRAC, SHIFT = 4, 16, 8, 12, 16


@dataclass(frozen=True)
class FullyConnected:
    """A layer: densities are shares of non-zero weights and activations; cycles are the paper's, 64 PEs at 800 MHz."""

    name: str
    inputs: int
    outputs: int
    weight_density: float
    act_density: float
    paper_cycles: int


NINE = (
    FullyConnected("Alex-6", 9216, 4096, 0.09, 0.351, 24240),
    FullyConnected("Alex-7", 4096, 4096, 0.09, 0.353, 9760),
    FullyConnected("Alex-8", 4096, 1000, 0.25, 0.375, 7920),
    FullyConnected("VGG-6", 25088, 4096, 0.04, 0.183, 27520),
    FullyConnected("VGG-7", 4096, 4096, 0.04, 0.375, 6960),
    FullyConnected("VGG-8", 4096, 1000, 0.23, 0.411, 6720),
    FullyConnected("NT-We", 4096, 600, 0.10, 1.0, 6400),
    FullyConnected("NT-Wd", 600, 8791, 0.11, 1.0, 11120),
    FullyConnected("NT-LSTM", 1201, 2400, 0.10, 1.0, 6000),
)


def named(names: Sequence[str]) -> list[FullyConnected]:
    """The layers of these names, all where there are none. Raises ValueError for a name that is not one."""
    known = {layer.name.lower(): layer for layer in NINE}
    wrong = [name for name in names if name.lower() not in known]
    if wrong:
        raise ValueError(f"no layer {', '.join(wrong)}; there are {', '.join(layer.name for layer in NINE)}")
    return [known[name.lower()] for name in names] or list(NINE)


@dataclass(frozen=True)
class Problem:
    """A layer with its weights, as after the quantise pass, and one vector of activations.

    Attributes:
        graph: one QLinear node.
        x: int64 [1, inputs], the quantised activations.
        products: pairs of a non-zero weight and a non-zero activation.
        broadcasts: non-zero activations.
    """

    layer: FullyConnected
    graph: Graph
    x: Array
    products: int
    broadcasts: int

    def ideal(self, pes: int, groups: int = 1) -> float:
        """Cycles of `pes` multipliers that never wait, or of a broadcast a cycle and group, whichever are more."""
        return max(self.products / pes, self.broadcasts / groups)


def problem(layer: FullyConnected, case: str) -> Problem:
    """The layer's weights and activations, the same every time.

    Every weight is non-zero with its row's probability: the layer's density, or in the unbalanced case that density
    times a log-normal number (sigma 0.5, scaled to a mean of 1; no row is fuller than full).
    """
    rng = np.random.default_rng([SEED, NINE.index(layer) if layer in NINE else len(NINE), CASES.index(case)])
    density = np.full(layer.outputs, layer.weight_density)
    if case == "unbalanced":
        spread = np.exp(rng.normal(0, SIGMA, layer.outputs))
        density = np.minimum(density * spread / spread.mean(), 1)
    codes = np.zeros((layer.outputs, layer.inputs), np.uint8)
    for row, share in zip(codes, density, strict=True):
        at = np.flatnonzero(rng.random(layer.inputs, np.float32) < share)
        row[at] = rng.integers(1, 1 << CODE_W, at.size, np.uint8)
    book = rng.integers(1, 3000, 1 << CODE_W) * rng.choice([-1, 1], 1 << CODE_W)
    book[0] = 0
    x = np.zeros(layer.inputs, np.int64)
    at = rng.permutation(layer.inputs)[: round(layer.inputs * layer.act_density)]
    x[at] = rng.integers(1, 2000, at.size) * rng.choice([-1, 1], at.size)
    bias = rng.integers(-100_000, 100_000, layer.outputs)
    products = int(np.count_nonzero(codes, axis=0) @ (x != 0))
    return Problem(layer, _graph(layer.name, codes, book, bias), x[None], products, at.size)


def _graph(name: str, codes: Array, book: Array, bias: Array) -> Graph:
    outputs, inputs = codes.shape
    z_frac = IN_FRAC + WEIGHT_FRAC - SHIFT
    attrs = {"code_w": CODE_W, "weight_frac": WEIGHT_FRAC, "z_frac": z_frac, "shift": SHIFT, "act_w": ACT_W}
    attrs |= {"function": "relu", "lo_bits": 0, "hi_bits": 0}
    tensors = {
        "x": Tensor("x", (None, inputs), fmt=Format(ACT_W, IN_FRAC)),
        "y": Tensor("y", (None, outputs), fmt=Format(ACT_W, z_frac)),
    }
    node = Node(name, "QLinear", ("x", "codes", "book", "bias"), ("y",), attrs)
    return Graph(name, ("x",), ("y",), (node,), tensors, {"codes": codes, "book": book, "bias": bias})
