"""A convolution over fewer channels, between two that mix channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emcc.compress.factors.factoriser import POINT, Factoriser, Part, conv_reason, kept
from emcc.ir.graph import Array, Node

ROUNDS = 10
"""Of orthogonal iteration; the first few change anything."""

_SHARES = np.linspace(0.01, 1.0, 100)


@dataclass(frozen=True)
class Tucker2(Factoriser):
    """A k x l convolution as 1 x 1, k x l and 1 x 1: Kim et al., ICLR 2016, section 3.1 (Tucker-2).

    The factors of the channels are the leading singular vectors of the weights unfolded by input and by output channel,
    bettered by orthogonal iteration (De Lathauwer et al. 2000, HOOI). By energy each has the rank that keeps it; by
    size both have the same share of their channels; a layer's own rank is for both.
    """

    name: ClassVar[str] = "tucker-2"
    form: ClassVar[str] = "convolutions of more than a point"

    def why_not(self, node: Node, weight: Array) -> str:
        """Only what has taps."""
        return conv_reason(node, weight, "taps")

    def parts(self, node: Node, weight: Array) -> Sequence[Part]:
        """See the class; strides, pads and dilations stay in the middle."""
        wide = weight.astype(np.float64)
        ranks = self._ranks(node, wide)
        out, into = (_leading(wide, axis, rank) for axis, rank in enumerate(ranks))
        for _ in range(ROUNDS):
            out = _leading(np.einsum("nckl,cd->ndkl", wide, into), 0, ranks[0])
            into = _leading(np.einsum("nckl,nm->mckl", wide, out), 1, ranks[1])
        core = np.einsum("nckl,nm,cd->mdkl", wide, out, into)
        first, last = into.T[:, :, None, None], out[:, :, None, None]
        return Part(first, {**node.attrs, **POINT}), Part(core, node.attrs), Part(last, {**node.attrs, **POINT})

    def _ranks(self, node: Node, weight: Array) -> tuple[int, int]:
        """Of output and input channels."""
        sizes = weight.shape[:2]
        if node.name in self.layers:
            return min(self.layers[node.name], sizes[0]), min(self.layers[node.name], sizes[1])
        if self.by == "energy":
            squares = [np.square(np.linalg.svd(_unfolded(weight, axis), compute_uv=False)) for axis in (0, 1)]
            return kept(squares[0], self.energy), kept(squares[1], self.energy)
        taps, best = weight[0, 0].size, (1, 1)
        for share in _SHARES:
            out, into = (max(1, int(share * size)) for size in sizes)
            if into * sizes[1] + out * into * taps + out * sizes[0] <= self.size * weight.size:
                best = out, into
        return best


def _unfolded(weight: Array, axis: int) -> Array:
    return np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)


def _leading(weight: Array, axis: int, rank: int) -> Array:
    """The leading left singular vectors, [channels, rank], of weights unfolded along an axis."""
    left: Array = np.linalg.svd(_unfolded(weight, axis), full_matrices=False)[0]
    return left[:, :rank]
