"""A convolution as one down and one across, a channel at a time, between two that mix channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emcc.compress.factors.als import Terms, fitted, orthogonal
from emcc.compress.factors.factoriser import POINT, Factoriser, Part, conv_reason, kept
from emcc.ir.graph import Array, Node

NEAR = 32
"""By energy a rank is the smallest, to this part of itself."""


@dataclass(frozen=True)
class Cp(Factoriser):
    """A k x l convolution as 1 x 1, k x 1 and 1 x l of each channel alone, and 1 x 1: Lebedev et al., ICLR 2015.

    The weights as a sum of rank-one tensors (CP), by alternating least squares from orthogonal terms (see `als`). What
    has one row or one column of taps has one part in the middle. By energy the rank is the smallest, found by
    bisection, with which the terms leave out no more of the squares than that.
    """

    name: ClassVar[str] = "cp"
    form: ClassVar[str] = "convolutions of more than a point"

    def why_not(self, node: Node, weight: Array) -> str:
        """Only what has taps."""
        return conv_reason(node, weight, "taps")

    def parts(self, node: Node, weight: Array) -> Sequence[Part]:
        """See the class; strides, pads and dilations down go with the part down, across with that across."""
        axes = [axis for axis in (2, 3) if weight.shape[axis] > 1]
        tensor = np.moveaxis(weight.astype(np.float64), (0, 1), (2, 3)).squeeze(
            tuple(axis - 2 for axis in (2, 3) if axis not in axes)
        )
        *middle, last, first = self._terms(node, weight, tensor).balanced()
        rank = first.shape[1]
        parts = [Part(first.T[:, :, None, None], {**node.attrs, **POINT})]
        for axis, taps in zip(axes, middle, strict=True):
            window = _along(node, axis - 2) if len(axes) > 1 else {}
            shape = (rank, 1, -1, 1) if axis == 2 else (rank, 1, 1, -1)
            parts.append(Part(taps.T.reshape(shape), {**node.attrs, **window, "group": rank}))
        return *parts, Part(last[:, :, None, None], {**node.attrs, **POINT})

    def _terms(self, node: Node, weight: Array, tensor: Array) -> Terms:
        """The terms of a layer's rank; the first that saves nothing stands for those above it, which are not tried."""
        begun = orthogonal(tensor)
        squares, a_rank = begun[0], sum(tensor.shape)
        most = min(squares.size, -(-weight.size // a_rank))
        if self.by == "size" or node.name in self.layers:
            return fitted(tensor, begun, min(most, self.rank(node, squares, weight.size, a_rank)))
        missing, high = 1 - self.energy, min(most, kept(squares, self.energy))
        low = max(kept(_unfolded(tensor, axis), self.energy) for axis in range(tensor.ndim)) - 1
        if high == most and fitted(tensor, begun, most, missing).error > missing:
            low = most
        while high - low > max(1, high // NEAR):
            middle = (low + high) // 2
            good = fitted(tensor, begun, middle, missing).error <= missing
            low, high = (low, middle) if good else (middle, high)
        return fitted(tensor, begun, high)


def _along(node: Node, axis: int) -> dict[str, Any]:
    """Attributes of a part that is along one axis, 0 down and 1 across: the layer's there, a point's on the other."""
    own = {name: tuple(node.attrs[name]) for name in ("strides", "dilations")}
    begin, end = (node.attrs["pads"][axis + side] for side in (0, 2))
    whole = {name: (values[axis], 1) if axis == 0 else (1, values[axis]) for name, values in own.items()}
    return {**whole, "pads": (begin, 0, end, 0) if axis == 0 else (0, begin, 0, end)}


def _unfolded(tensor: Array, axis: int) -> Array:
    """The squared singular values of a tensor unfolded along an axis: a sum of R terms has R of them at most."""
    flat = np.moveaxis(tensor, axis, 0).reshape(tensor.shape[axis], -1)
    return np.asarray(np.square(np.linalg.svd(flat, compute_uv=False)))
