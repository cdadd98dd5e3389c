"""Powers of two: a product is a shift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from emcc.base.options import option
from emcc.compress.quantisers.quantiser import Quantiser, entries_of, signed_codes, signed_levels
from emcc.compress.quantisers.straight import Scales
from emcc.compress.state import State
from emcc.ir.graph import Array

WIDTHS = (2, 3, 4, 5)


@dataclass(frozen=True)
class PowerOfTwo(Quantiser):
    """Each weight becomes 0 or the nearest power of two, with its sign.

    The largest power is floor(log2(4 max|w| / 3)) (Zhou et al., "Incremental Network Quantization", ICLR 2017,
    equation 2), and there are 2**(bits-1) - 1 of them: all that fit the code beside zero (the paper leaves half of
    them to its code for zero). A weight goes to the nearest level, as there (equation 4); below half of the least
    power to zero. The levels are as they are: training moves weights between them, and biases.
    """

    scale: str = field(default="tensor")
    bits: int = option(4, "bits of a weight", low=2, high=5)
    layers: Mapping[str, int] = option({}, "bits of one layer, by its name", choices=WIDTHS)
    name: ClassVar[str] = "power-of-two"

    def levels(self, weights: Array, bits: int) -> tuple[Array, Array]:
        """See the class."""
        count = (1 << min(bits or self.bits, WIDTHS[-1]) - 1) - 1
        sizes = np.abs(weights)
        top = int(np.floor(np.log2(4 * float(sizes.max()) / 3))) if weights.any() else 0
        powers = np.ldexp(1.0, np.arange(top - count + 1, top + 1))
        # Nearest: the middle between neighbours p and 2p is 1.5 p; between 0 and the least, half of it.
        limits = np.concatenate([[powers[0] / 2], 1.5 * powers[:-1]])
        ranks = np.searchsorted(limits, sizes.ravel(), side="right").astype(np.uint8).reshape(weights.shape)
        return signed_levels(powers), signed_codes(weights, ranks)

    def sizes(self, weights: Array, most: int) -> Sequence[int]:
        """Of 2 to 5 bits."""
        return entries_of(WIDTHS, most)

    def entries(self, torch: Any, state: State, biases: bool = True) -> Scales:
        """Biases alone."""
        return Scales(torch, state, biases, fixed=True)
