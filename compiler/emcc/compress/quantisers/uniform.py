"""Uniform: levels at even distances, a power of two of them or one fewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.base.text import printable
from emcc.compress.quantisers.allocation import allocated, measured
from emcc.compress.quantisers.quantiser import Quantiser, entries_of
from emcc.compress.state import weights_of
from emcc.ir.graph import Array, Graph
from emcc.passes.base import Notes
from emcc.passes.layers import Layer, linear_layers

WIDTHS = range(2, 9)
REACHES = ("mse", "max")
_LOOKED_UP = 4
"""Bits up to which a tensor's levels are entries of a codebook; with more the code is the weight, times one scale."""

_SEEN, _TRIED = 4096, np.linspace(0.2, 1.0, 33)


@dataclass(frozen=True)
class Uniform(Quantiser):
    """Each weight becomes the nearest of whole numbers times a step (Jacob et al., CVPR 2018, section 2.1).

    Symmetric: of b bits, -(2**(b-1) - 1) to 2**(b-1) - 1 times a step with which these reach the largest weight.
    Asymmetric: 2**b numbers from the least weight, or zero, to the largest, nudged so that zero is one of them (section
    3.1). With reach "mse" the step is the share of that with the least squared error: in a search few bits that reach
    the largest weight would make zeros of most others.

    With `mean_bits` each layer has bits of its own, so many on average over all weights that are not zero in layers
    that `layers` does not name: where a bit takes the most error away (`allocation`). A layer's error is what it does
    to the outputs of samples `data`, float32 [n, ...], when it alone is quantised; without data its weights' squared
    error over their square, which the scales that functions like ReLU let pass between layers do not change.
    """

    bits: int = option(8, "bits of a weight", low=2, high=8)
    mean_bits: float = option(
        0.0,
        "mean bits of a weight that is not zero, each layer's chosen by its error; 0: `bits` in all",
        low=0.0,
        high=8.0,
        silent=True,
    )
    symmetric: bool = option(True, "as far below zero as above; false: from the least weight to the largest")
    reach: str = option("mse", "of the levels: what has the least error, or the largest weight", choices=REACHES)
    data: Array | None = None
    notes: Notes = field(default_factory=Notes, compare=False)
    name: ClassVar[str] = "uniform"

    @property
    def fixed_alone(self) -> str:
        """Searches choose bits themselves."""
        return "mean_bits" if self.mean_bits else ""

    @property
    def facts(self) -> Mapping[str, Any]:
        """The "bits" of layers, where they were chosen."""
        return self.notes.facts

    def on(self, x: Array) -> Self:
        """With samples to measure errors on, where bits are chosen."""
        return replace(self, data=x) if self.mean_bits else self

    def check(self, graph: Graph) -> None:
        """An asymmetric layer has one zero point; bits are 2 at least."""
        super().check(graph)
        free = {layer.node.name: graph.constants[layer.weight].size for layer in linear_layers(graph)}
        free = {name: size for name, size in free.items() if name not in self.layers}
        if self.mean_bits and not free:
            hint = "leave out mean_bits, or a layer of the table"
            raise EmccError("[uniform.layers] names every layer, and leaves mean_bits none to choose for", hint=hint)
        if 0 < self.mean_bits < WIDTHS[0]:
            details = [f"{printable(name)!r}: {size:,} weights" for name, size in free.items()]
            hint = "ask for 2 or more; ternary and binary have fewer, and pruning leaves fewer weights"
            wrong = f"[uniform] mean_bits is {self.mean_bits:g}, and each of these layers has {WIDTHS[0]} bits at least"
            raise EmccError(wrong, details=details, hint=hint)
        if not self.symmetric and self.scale == "row":
            hint = 'write scale = "tensor", or symmetric = true'
            raise EmccError("[uniform] rows of their own scale have no zero points of their own", hint=hint)

    def levels(self, weights: Array, bits: int) -> tuple[Array, Array]:
        """See the class. The step is rounded to float32."""
        bits = bits or self.bits
        flat = weights.reshape(len(weights) if self.scale == "row" else 1, -1)
        low, high = 1 - (1 << bits - 1), (1 << bits - 1) - 1
        step = np.abs(flat).max(axis=1, keepdims=True).astype(np.float64) / high
        if not self.symmetric:
            low, high, step = _range(flat, bits)
        if self.reach == "mse":
            step = step * self._best(flat, step, low, high)
        step = np.where(step > 0, step, 1).astype(np.float32)
        whole = np.clip(np.rint(flat / step), low, high).astype(np.int16).reshape(weights.shape)
        numbers = np.array([0, *(number for number in range(low, high + 1) if number)])
        values = (numbers * step).astype(np.float32)
        own = self.scale == "tensor" and bits <= _LOOKED_UP
        return values[0] if own else values, _places(whole, low).astype(np.uint8)

    def settled(self, graph: Graph) -> Self:
        """With every layer's bits in `layers`; `notes` say which, and of what errors."""
        if not self.mean_bits:
            return self
        readers: dict[str, list[Layer]] = {}
        for layer in linear_layers(graph):
            readers.setdefault(layer.weight, []).append(layer)
        named = {layer.weight for layer in linear_layers(graph) if layer.node.name in self.layers}
        curves = measured(
            graph, [own[0] for name, own in readers.items() if name not in named], self._rounded, self.data
        )
        bits = allocated(curves, self.mean_bits * sum(curve.weights for curve in curves.values()))
        rows = [curve.to_json(readers[name][0].node.name, bits[name]) for name, curve in curves.items()]
        by = "weights" if self.data is None else "outputs"
        self.notes.facts = {"bits": {"asked": self.mean_bits, "by": by, "layers": rows}}
        chosen = {layer.node.name: bits[name] for name in curves for layer in readers[name]}
        return replace(self, layers={**chosen, **self.layers}, mean_bits=0.0)

    def _rounded(self, weights: Array) -> dict[int, Array]:
        """A layer's weights at all numbers of bits, float32."""
        return {width: weights_of(*self.levels(weights, width)) for width in WIDTHS}

    def sizes(self, weights: Array, most: int) -> Sequence[int]:
        """Of 2 to 8 bits."""
        return entries_of(WIDTHS, most)

    def _best(self, flat: Array, step: Array, low: int, high: int) -> Array:
        """The share of a step, [rows, 1], with the least squared error on at most _SEEN of each row's weights."""
        some = flat[:, :: max(1, flat.shape[1] // _SEEN)].astype(np.float64)
        errors = []
        for share in _TRIED:
            part = np.where(step > 0, step * share, 1)
            errors.append(np.square(np.clip(np.rint(some / part), low, high) * part - some).sum(axis=1))
        return np.asarray(_TRIED[np.argmin(errors, axis=0)])[:, None]


def _range(flat: Array, bits: int) -> tuple[int, int, Array]:
    """(the least and the largest of 2**bits whole numbers, with zero; the step, [1, 1]) for a tensor's weights."""
    least, largest = min(float(flat.min()), 0.0), max(float(flat.max()), 0.0)
    last = (1 << bits) - 1
    below = round(-least / (largest - least) * last) if largest > least else 0
    return -below, last - below, np.array([[(largest - least) / last]])


def _places(whole: Array, low: int) -> Array:
    """Where whole numbers are in (0, low, low + 1, ... without 0)."""
    return np.where(whole == 0, 0, np.where(whole < 0, whole - low + 1, whole - low))
