"""Ternary: minus a scale, zero, and the scale."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emcc.base.options import option
from emcc.compress.quantisers.quantiser import Quantiser, only, signed_levels, signs
from emcc.compress.quantisers.uniform import Uniform
from emcc.ir.graph import Array, Graph


@dataclass(frozen=True)
class Ternary(Quantiser):
    """Ternary weight networks (Li, Zhang and Liu 2016, arXiv 1605.04711, equations 5 and 6).

    The threshold is 0.7 times the mean of |w| over all n weights of a tensor, or of a row, zeros of pruning counted; a
    weight whose size is above it becomes the scale with its sign, others zero. The scale is the mean size of those
    above. A layer named in `layers` is uniform, of so many bits, with the same kind of scale.
    """

    bits: int = option(2, "bits of a code", low=1, high=16)
    threshold: float = option(0.7, "of the mean size, above which a weight is not zero", low=0.0, high=3.0)
    name: ClassVar[str] = "ternary"

    def check(self, graph: Graph) -> None:
        """Three values are 2 bits."""
        super().check(graph)
        only(self.bits, 2, self.name, "ternary weights are three values, which take 2 bits in every layer", graph)

    def levels(self, weights: Array, bits: int) -> tuple[Array, Array]:
        """See the class; the setting of a search is nothing to it."""
        if bits:
            return Uniform(scale=self.scale, bits=bits).levels(weights, bits)
        flat = weights.reshape(len(weights) if self.scale == "row" else 1, -1)
        sizes = np.abs(flat)
        above = sizes > self.threshold * sizes.mean(axis=1, keepdims=True, dtype=np.float64)
        return scaled_signs(weights, flat, above, self.scale == "row")


def scaled_signs(weights: Array, flat: Array, above: Array, by_row: bool) -> tuple[Array, Array]:
    """(values, codes): the signs of the weights `above`, bool [rows or 1, n] as `flat`, times their mean size."""
    scale = np.abs(flat).sum(axis=1, where=above, dtype=np.float64) / np.maximum(1, above.sum(axis=1))
    values = signed_levels(scale[:, None])
    codes = signs(np.where(above, flat, np.float32(0))).reshape(weights.shape)
    return values if by_row else values[0], codes
