"""Product-quantised weights: a code a block of several neighbours in a row, and codebooks of sub-vectors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_WIDTHS = (1, 2, 4, 8)
_ROWS = 1 << 12


@dataclass(frozen=True)
class Blocks:
    """A layer's weights, seen as [rows, columns]: of row r, block j is values[j % S, codes[r, j]].

    Gong et al. 2014, "Compressing deep convolutional networks using vector quantization", section 3.3, has a codebook
    for each block of a row, S = columns / B; Stock et al. 2020, "And the bit goes down", one a layer, S = 1.

    Attributes:
        values: float32 [S, K, B], finite; B from 2 on, K <= 256.
        codes: uint8 [rows, columns / B].
        shape: the weights', two dimensions or more; the columns are all but the first.
    """

    values: Array
    codes: Array
    shape: tuple[int, ...]

    @property
    def code_w(self) -> int:
        """Bits that a code takes in the file."""
        return next(width for width in _WIDTHS if self.values.shape[1] <= 1 << width)

    def weights(self) -> Array:
        """The weights, float32, in their shape."""
        made = np.empty((*self.codes.shape, self.values.shape[2]), np.float32)
        for rows, decoded in self._pieces():
            made[rows] = decoded
        return made.reshape(self.shape)

    def decodes_to(self, weights: Array) -> bool:
        """Whether `weights`, of the shape, are what it says; without decoding all of it at once."""
        flat = weights.reshape(*self.codes.shape, self.values.shape[2])
        return weights.dtype == np.float32 and all(np.array_equal(flat[rows], own) for rows, own in self._pieces())

    def _pieces(self) -> Iterator[tuple[slice, Array]]:
        """(rows, their weights, float32 [rows, blocks, B]), some at a time."""
        own, across = np.arange(self.codes.shape[1]) % len(self.values), self.codes.shape[1]
        step = max(1, _ROWS // across)
        for begin in range(0, len(self.codes), step):
            rows = slice(begin, begin + step)
            codes = self.codes[rows]
            yield rows, self.values[0][codes] if len(self.values) == 1 else self.values[own, codes]

    def fault(self) -> str:
        """What is wrong with it; "" where nothing is."""
        if self.values.dtype != np.float32 or self.values.ndim != 3 or self.codes.dtype != np.uint8:
            return f"sub-vectors are {self.values.dtype} {self.values.shape}, codes {self.codes.dtype}"
        count, size, block = self.values.shape
        rows, columns = self.shape[0], int(np.prod(self.shape[1:], dtype=np.int64))
        if len(self.shape) < 2 or block < 2 or not 0 < size <= 256 or columns % block or not rows * columns:
            return f"{size} sub-vectors of {block} of weights {self.shape}"
        if self.codes.shape != (rows, columns // block) or count not in (1, columns // block):
            return f"codes {self.codes.shape} and {count} codebooks of weights {self.shape}"
        if int(self.codes.max()) >= size or not np.isfinite(self.values).all():
            return "codes beyond the codebook, or sub-vectors that are not finite"
        return ""
