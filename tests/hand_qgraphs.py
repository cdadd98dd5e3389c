"""Quantised graphs built by hand, a line a node."""

from typing import Any

import numpy as np
from random_qgraphs import Net, finished

from emcc.ir.graph import Graph, Tensor

PLAIN: dict[str, Any] = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0)}
FIXED: dict[str, Any] = {"act_w": 16, "shift": 0, "function": "identity", "lo_bits": 0, "hi_bits": 0}


class Hand(Net):
    """A graph built by hand: every method returns the name of the tensor it makes."""

    def __init__(self, *shapes: tuple[int, ...]) -> None:
        super().__init__(None, np.random.default_rng(1), 16)
        for i, shape in enumerate(shapes):
            self.tensors[f"x{i}"] = Tensor(f"x{i}", (None, *shape), fmt=self.fmt(8))

    def node(self, op: str, inputs: list[str], attrs: dict[str, Any], frac: int = 8) -> str:
        """Any operator."""
        self.put(op, inputs, attrs, self.fmt(frac))
        return next(reversed(self.tensors))

    def conv(self, source: str, out: int, **attrs: Any) -> str:  # type: ignore[override]
        """A convolution, 1 x 1 unless `kernel` says more, `group`ed if that is said."""
        kernel, group = attrs.pop("kernel", (1, 1)), attrs.setdefault("group", 1)
        channels = int(self.tensors[source].shape[1] or 0) // group
        codes = self.rng.integers(0, 4, (out, channels, *kernel)).astype(np.uint8)
        constants = [codes, np.array([0, 3, -5, 40]), self.rng.integers(-99, 99, out)]
        more = {**PLAIN, **FIXED, "code_w": 2, "weight_frac": 4, "z_frac": 8, "shift": 4, **attrs}
        return self.node("QConv", [source, *map(self.constant, constants)], more)

    def add(self, *sources: str) -> str:  # type: ignore[override]
        """A sum."""
        return self.node("QSum", [*sources], {**FIXED, "weights": (1,) * len(sources), "z_frac": 8})

    def concat(self, *sources: str) -> str:  # type: ignore[override]
        """A Concat."""
        return self.node("Concat", [*sources], {"axis": 1})

    def graph(self) -> Graph:
        """What has been built."""
        return finished(self)
