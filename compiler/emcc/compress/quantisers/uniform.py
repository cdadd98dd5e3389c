"""Uniform: levels at even distances, a power of two of them or one fewer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.compress.quantisers.quantiser import Quantiser, entries_of
from emcc.ir.graph import Array, Graph

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
    """

    bits: int = option(8, "bits of a weight", low=2, high=8)
    symmetric: bool = option(True, "as far below zero as above; false: from the least weight to the largest")
    reach: str = option("mse", "of the levels: what has the least error, or the largest weight", choices=REACHES)
    name: ClassVar[str] = "uniform"

    def check(self, graph: Graph) -> None:
        """An asymmetric layer has one zero point."""
        super().check(graph)
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

    def sizes(self, weights: Array, most: int) -> Sequence[int]:
        """Of 2 to 8 bits."""
        return entries_of(range(2, 9), most)

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
