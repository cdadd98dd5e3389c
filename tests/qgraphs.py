"""Random quantised graphs (chains of QLinear), as after the quantise pass."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from emcc.ir.graph import Array, Format, Graph, Node, Tensor

IN_FRAC = 8
WEIGHT_FRAC = 12


def quantised(
    sizes: Sequence[int],
    *,
    seed: int = 0,
    density: float = 0.3,
    code_w: int | Sequence[int] = 4,
    functions: Sequence[str] | None = None,
    act_w: int = 16,
    split: tuple[int, int] = (5, 6),
    shift: int | None = None,
    zero_code: bool = True,
    bias: int = 1000,
) -> Graph:
    """A chain over `sizes`: relu everywhere but at the end, unless `functions` says otherwise.

    Weights are uniform 16-bit integers below 3000 in magnitude, `density` of them not zero; with zero_code False
    entry 0 of the codebook is a weight like any other and the matrix is dense. Tables are random.
    """
    rng = np.random.default_rng(seed)
    count = len(sizes) - 1
    widths = [code_w] * count if isinstance(code_w, int) else list(code_w)
    functions = functions or ["relu"] * (count - 1) + ["identity"]
    tensors = {"x": Tensor("x", (None, sizes[0]), fmt=Format(act_w, IN_FRAC))}
    constants: dict[str, Array] = {}
    nodes = []
    source, frac = "x", IN_FRAC
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        entries = 1 << widths[i]
        book = rng.integers(-3000, 3000, entries)
        codes = rng.integers(1, entries, (n_out, n_in))
        if zero_code:
            book[0] = 0
            codes[rng.random(codes.shape) >= density] = 0
        else:
            book[0] = 77
            codes = rng.integers(0, entries, codes.shape)
        by = shift if shift is not None else int(rng.integers(act_w - 7, act_w - 3))
        z_frac = frac + WEIGHT_FRAC - by
        constants |= {f"w{i}.codes": codes.astype(np.uint8), f"w{i}.book": book}
        constants[f"b{i}"] = rng.integers(-bias, bias, n_out)
        inputs = [source, f"w{i}.codes", f"w{i}.book", f"b{i}"]
        lo_bits, hi_bits = split if functions[i] == "table" and act_w > 8 else (0, 0)
        if functions[i] == "table":
            high = 1 << (act_w - 1)
            constants[f"t{i}.coarse"] = rng.integers(-high, high, 1 << (act_w - lo_bits))
            constants[f"t{i}.fine"] = (
                rng.integers(-high // 8, high // 8, 1 << (lo_bits + hi_bits)) if lo_bits else np.zeros(1, np.int64)
            )
            inputs += ["", f"t{i}.coarse", f"t{i}.fine"]
        attrs = {
            "code_w": widths[i],
            "weight_frac": WEIGHT_FRAC,
            "z_frac": z_frac,
            "shift": by,
            "function": functions[i],
            "act_w": act_w,
            "lo_bits": lo_bits,
            "hi_bits": hi_bits,
        }
        result, frac = f"y{i}", z_frac
        tensors[result] = Tensor(result, (None, n_out), fmt=Format(act_w, z_frac))
        nodes.append(Node(f"layer{i}", "QLinear", tuple(inputs), (result,), attrs))
        source = result
    return Graph("net", ("x",), (source,), tuple(nodes), tensors, constants)


def inputs(count: int, size: int, *, density: float = 0.5, seed: int = 0, high: int = 2000) -> Array:
    """Random integers [count, size], `density` of them not zero."""
    rng = np.random.default_rng(seed)
    return rng.integers(-high, high, (count, size)) * (rng.random((count, size)) < density)
