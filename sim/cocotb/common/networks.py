"""Random quantised networks, and inputs that reach the corners. Used by the pytest side; benches see only files."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np

from emcc.ir.graph import Array, Format, Graph, Node, Tensor

WEIGHT_FRAC = 12


@dataclass(frozen=True)
class Dense:
    """A layer to make.

    Attributes:
        n_out: rows; density: share of weights that are not zero.
        code_w: bits a code; zero: whether the codebook has a zero (without one every weight is there).
        function: identity, relu or table.
        shift: of requantising; None keeps the scale of the input.
        weight, bias: largest magnitude of each.
    """

    n_out: int
    density: float = 0.3
    code_w: int = 4
    function: str = "identity"
    shift: int | None = None
    weight: int = 3000
    bias: int = 100_000
    zero: bool = True


def network(n_in: int, layers: Sequence[Dense], act_w: int = 16, seed: int = 0) -> Graph:
    """A chain of QLinear nodes, as after Quantise, for emcc.eie.lower."""
    rng = np.random.default_rng([seed, n_in, len(layers)])
    frac = act_w // 2
    tensors = {"x": Tensor("x", (None, n_in), fmt=Format(act_w, frac))}
    constants: dict[str, Array] = {}
    nodes = []
    x, columns = "x", n_in
    for i, layer in enumerate(layers):
        size = 1 << layer.code_w
        book = rng.integers(1, layer.weight + 1, size) * rng.choice([-1, 1], size)
        codes = rng.integers(0, size, (layer.n_out, columns)).astype(np.uint8)
        if layer.zero:
            book[0] = 0
            codes = np.maximum(codes, 1)
            codes[rng.random(codes.shape) >= layer.density] = 0
        gain = float(np.sqrt(np.mean(book.astype(float) ** 2) * columns * (layer.density if layer.zero else 1)))
        shift = max(0, round(log2(max(gain, 1)))) if layer.shift is None else layer.shift
        frac = frac + WEIGHT_FRAC - shift
        names = [f"codes{i}", f"book{i}", f"bias{i}"]
        bias = rng.integers(-layer.bias, layer.bias + 1, layer.n_out)
        constants |= dict(zip(names, (codes, book, bias), strict=True))
        attrs: dict[str, Any] = {"code_w": layer.code_w, "weight_frac": WEIGHT_FRAC, "z_frac": frac, "shift": shift}
        attrs |= {"function": layer.function, "act_w": act_w, "lo_bits": 0, "hi_bits": 0}
        if layer.function == "table":
            names += ["", f"coarse{i}", f"fine{i}"]
            attrs["lo_bits"], attrs["hi_bits"], constants[names[-2]], constants[names[-1]] = _table(rng, act_w)
        tensors[f"y{i}"] = Tensor(f"y{i}", (None, layer.n_out), fmt=Format(act_w, frac))
        nodes.append(Node(f"layer{i}", "QLinear", (x, *names), (f"y{i}",), attrs))
        x, columns = f"y{i}", layer.n_out
    return Graph("random", ("x",), (x,), tuple(nodes), tensors, constants)


def _table(rng: np.random.Generator, act_w: int) -> tuple[int, int, Array, Array]:
    """lo_bits, hi_bits, coarse and fine of a random table whose sums saturate now and then."""
    high = 1 << (act_w - 1)
    lo_bits, hi_bits = (4, 5) if act_w == 16 else (0, 0)
    wide = rng.integers(-high - high // 4, high + high // 4, 1 << (act_w - lo_bits))
    coarse = np.clip(wide, -high, high - 1)
    fine = rng.integers(-high // 8, high // 8, 1 << (hi_bits + lo_bits)) if lo_bits else np.zeros(1, np.int64)
    return lo_bits, hi_bits, coarse, fine


def vector(rng: np.random.Generator, kind: str, size: int, low: int, high: int) -> Array:
    """int64 [size] within low..high: "zero", "full" (no zero), "extreme" (low and high alone), "sparse", "mixed"."""
    small = np.clip(rng.integers(-40, 41, size), low, high)
    wide = rng.integers(low, high + 1, size)
    values = np.where(rng.random(size) < 0.5, small, wide)
    if kind == "zero":
        return np.zeros(size, np.int64)
    if kind == "extreme":
        return np.asarray(rng.choice([low or high, high], size))
    if kind == "full":
        return np.where(values == 0, high, values)
    return np.where(rng.random(size) < (0.1 if kind == "sparse" else 0.6), values, 0)
