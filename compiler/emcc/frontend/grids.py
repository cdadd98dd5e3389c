"""Scales and zero points of a model, checked: what QuantizeLinear and its like say of a tensor's integers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.frontend.refusal import Refusal, quoted
from emcc.ir.graph import Array

BITS: Mapping[str, tuple[int, int]] = {
    "int8": (-128, 127), "uint8": (0, 255), "int16": (-(1 << 15), (1 << 15) - 1), "uint16": (0, (1 << 16) - 1),
}  # fmt: skip
"""The range of the integers that a tensor may hold, by their type."""

INDEXED = frozenset(["Cast", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"])
"""Operators that may read integers of the model's input by which rows of a table are picked."""

TRUTHS = INDEXED | {"And", "Concat", "Equal", "Expand", "Not", "Or", "Split", "Tile", "Where", "Xor"}
"""Operators that may read booleans, which are 0 and 1 in the Graph."""

AGAIN = "quantise the model again"


@dataclass(frozen=True)
class Grid:
    """scale (q - zero_point), q an integer of `dtype`.

    Attributes:
        scale: float64, above 0; zero_point: int64; [1], or [elements] along `axis`, which counts from the front.
    """

    scale: Array
    zero_point: Array
    axis: int
    dtype: str

    def attrs(self) -> dict[str, Any]:
        """Those of an ir QuantizeLinear or DequantizeLinear."""
        low, high = BITS[self.dtype]
        scale, zero = tuple(map(float, self.scale)), tuple(map(int, self.zero_point))
        return {"axis": max(self.axis, 1), "high": high, "low": low, "scale": scale, "zero_point": zero}

    def floats(self, value: Array) -> tuple[Array, Array]:
        """(the floats that a constant's integers stand for, float32; what 1 of them is worth, to be broadcast)."""
        unit, zero = (self._spread(numbers, value.ndim) for numbers in (self.scale, self.zero_point))
        return (value.astype(np.int64) - zero).astype(np.float32) * unit.astype(np.float32), unit

    def _spread(self, numbers: Array, rank: int) -> Array:
        if numbers.size == 1:
            return numbers.reshape((1,) * rank)
        return numbers.reshape(tuple(-1 if axis == self.axis else 1 for axis in range(rank)))


def scale_of(value: Array, name: str) -> Array:
    """Return a scale as float64 [1] or [n]; raise Refusal where it is none."""
    if value.dtype.kind != "f" or value.ndim > 1 or not value.size:
        raise Refusal(f"its scale {quoted(name)} is {value.dtype} {list(value.shape)}", AGAIN)
    scale = np.asarray(value, np.float64).reshape(-1)
    bad = ~(np.isfinite(scale) & (scale > 0))
    if bad.any():
        at = f" at [{int(bad.argmax())}]" if value.ndim else ""
        raise Refusal(f"its scale {quoted(name)} is {scale[bad.argmax()]:g}{at}: scales are above 0 and finite", AGAIN)
    return scale


def zero_of(value: Array | None, name: str, dtype: str, size: int) -> Array:
    """Return a zero point of `size` numbers as int64 [1] or [n]; raise Refusal where it is none of `dtype`."""
    if value is None:
        return np.zeros(1, np.int64)
    if value.dtype.name != dtype:
        raise Refusal(f"its zero point {quoted(name)} is {value.dtype}, its integers {dtype}", AGAIN)
    if value.ndim > 1 or value.size != size:
        raise Refusal(f"its zero point {quoted(name)} is {list(value.shape)}, its scale has {size} numbers", AGAIN)
    zero = value.astype(np.int64).reshape(-1)
    return zero[:1] if (zero == zero[0]).all() else zero


def along(axis: int, shape: tuple[int, ...], size: int) -> int:
    """Return the axis of `size` scales, counted from the front; raise Refusal where the tensor has no such."""
    if size == 1:
        return 0
    rank = len(shape)
    if not -rank <= axis < rank:
        raise Refusal(f"its scales lie along axis {axis} of {rank}", AGAIN)
    if shape[axis] != size:
        raise Refusal(f"{size} scales lie along axis {axis}, which has {shape[axis]} elements", AGAIN)
    return axis % rank
