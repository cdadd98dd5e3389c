"""Binary: minus a scale, and the scale."""

from dataclasses import dataclass
from typing import ClassVar

from emcc.base.options import option
from emcc.compress.quantisers.quantiser import SCALES, Quantiser, only
from emcc.compress.quantisers.ternary import scaled_signs
from emcc.compress.quantisers.uniform import Uniform
from emcc.ir.graph import Array, Graph


@dataclass(frozen=True)
class Binary(Quantiser):
    """Binary weight networks (Rastegari et al., "XNOR-Net", ECCV 2016, section 3.1, equation 6): sign(w) mean|w|.

    The mean is of a row (a filter), as there, or of a tensor. Zeros, as pruning leaves them, stay zero and are not of
    the mean, so that it is the scale of the least squared error with them too. A layer named in `layers` is uniform, of
    so many bits.
    """

    scale: str = option("row", "what has a scale of its own: a layer's tensor, or each row", choices=SCALES)
    bits: int = option(1, "bits of a code", low=1, high=16)
    name: ClassVar[str] = "binary"

    def check(self, graph: Graph) -> None:
        """Two values are one bit."""
        super().check(graph)
        only(self.bits, 1, self.name, "binary weights are two values, which take 1 bit in every layer", graph)

    def levels(self, weights: Array, bits: int) -> tuple[Array, Array]:
        """See the class; the setting of a search is nothing to it."""
        if bits:
            return Uniform(scale=self.scale, bits=bits).levels(weights, bits)
        flat = weights.reshape(len(weights) if self.scale == "row" else 1, -1)
        return scaled_signs(weights, flat, flat != 0, self.scale == "row")
