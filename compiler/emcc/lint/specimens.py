"""Small designs that between them use every parameter of the RTL library, to be linted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Format, Graph, Node, Tensor
from emcc.lint.grouped import GROUPED, Grouped

FRAC, SHIFT = 6, 6


@dataclass(frozen=True)
class Specimen:
    """A chain of layers over `sizes`; code widths and functions are a layer's each."""

    sizes: tuple[int, ...]
    code_w: tuple[int, ...]
    functions: tuple[str, ...]
    act_w: int
    lower: LowerOptions

    def graph(self) -> Graph:
        """Make the quantised graph; weights and tables are random, half of the weights 0."""
        rng = np.random.default_rng(0)
        tensors = {"x": Tensor("x", (None, self.sizes[0]), fmt=Format(self.act_w, FRAC))}
        constants: dict[str, Array] = {}
        nodes = []
        for i, (n_in, n_out, code_w, function) in enumerate(
            zip(self.sizes, self.sizes[1:], self.code_w, self.functions, strict=False)
        ):
            layer = {
                f"codes{i}": rng.integers(0, 1 << code_w, (n_out, n_in), np.uint8)
                * rng.integers(0, 2, (n_out, n_in), np.uint8),
                f"book{i}": np.append(0, rng.integers(-200, 200, (1 << code_w) - 1)),
                f"bias{i}": rng.integers(-200, 200, n_out),
            }
            split = (self.act_w // 4, self.act_w // 4) if function == "table" and self.act_w > 8 else (0, 0)
            if function == "table":
                layer[f"coarse{i}"] = rng.integers(-100, 100, 1 << (self.act_w - split[0]))
                layer[f"fine{i}"] = rng.integers(-8, 8, 1 << sum(split)) if any(split) else np.zeros(1, np.int64)
            attrs = {"code_w": code_w, "weight_frac": SHIFT, "z_frac": FRAC, "shift": SHIFT, "function": function}
            attrs |= {"act_w": self.act_w, "lo_bits": split[0], "hi_bits": split[1]}
            source, result = f"y{i - 1}" if i else "x", f"y{i}"
            nodes.append(Node(f"layer{i}", "QLinear", (source, *layer), (result,), attrs))
            tensors[result] = Tensor(result, (None, n_out), fmt=Format(self.act_w, FRAC))
            constants |= layer
        return Graph("specimen", ("x",), (result,), tuple(nodes), tensors, constants)

    def files(self) -> Mapping[str, bytes]:
        """Emit rtl/ and rom/."""
        from emcc.backends import rom, verilog
        from emcc.eie.lower import lower

        program = lower(self.graph(), self.lower)
        return {**verilog.render_core(program), **rom.render(rom.core_images(program), "hex")}


SPECIMENS: Mapping[str, Specimen | Grouped] = {
    "table": Specimen((30, 21, 9, 4), (8, 2, 1), ("table", "relu", "table"), 16, LowerOptions(pes=3, queue_depth=16)),
    "byte": Specimen((33, 18, 5), (4, 2), ("table", "identity"), 8, LowerOptions(pes=5, queue_depth=128)),
    **GROUPED,
}
