"""A tensor of the model as elements of a vector, each with a scale and an offset."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emcc.ir.graph import Array


@dataclass(frozen=True)
class View:
    """tensor[i] = scale[i] * vector[index[i]] + offset[i].

    Attributes:
        index: int64, the shape of a sample of the tensor.
        base: elements of the vector.
        scale, offset: float64, the shape of `index`; None for all 1, all 0.
    """

    index: Array
    base: int
    scale: Array | None = None
    offset: Array | None = None

    @classmethod
    def whole(cls, shape: tuple[int, ...]) -> "View":
        """The vector itself, in a shape."""
        size = int(np.prod(shape, dtype=np.int64))
        return cls(np.arange(size, dtype=np.int64).reshape(shape), size)

    def moved(self, change: Callable[[Array], Array]) -> "View":
        """Its elements, moved by `change`."""
        scale, offset = (None if values is None else change(values) for values in (self.scale, self.offset))
        return View(change(self.index), self.base, scale, offset)

    def affine(self, scale: Array | None, offset: Array | None) -> "View":
        """scale * tensor + offset, broadcast."""
        shapes = [values.shape for values in (self.index, scale, offset) if values is not None]
        shape = np.broadcast_shapes(*shapes)
        new_scale, new_offset = self.scale, self.offset
        if scale is not None:
            new_scale = scale if new_scale is None else new_scale * scale
            new_offset = None if new_offset is None else new_offset * scale
        if offset is not None:
            new_offset = offset if new_offset is None else new_offset + offset
        spread = [None if values is None else np.broadcast_to(values, shape) for values in (new_scale, new_offset)]
        return View(np.broadcast_to(self.index, shape), self.base, *spread)

    def only_moves(self, size: int) -> bool:
        """Whether it is a permutation of a vector of `size` and changes no value."""
        return self.scale is None and self.offset is None and self._permutes(size)

    def _permutes(self, size: int) -> bool:
        return self.index.size == size and bool((np.bincount(self.index.ravel(), minlength=size) == 1).all())

    def _trivial(self) -> bool:
        return bool(self.index.size == self.base and (self.index.ravel() == np.arange(self.base)).all())

    def rows(self, weight: Array, bias: Array) -> tuple[Array, Array]:
        """(weight, bias) of the layer that computes the tensor, from those of the one that computes the vector."""
        if not self._trivial():
            weight, bias = weight[self.index.ravel()], bias[self.index.ravel()]
        if self.scale is not None:
            weight, bias = weight * self.scale.ravel()[:, None], bias * self.scale.ravel()
        return weight, bias if self.offset is None else bias + self.offset.ravel()

    def columns(self, weight: Array, base: int) -> tuple[Array, Array]:
        """(weight, addition to the bias) on the vector, from the weight [out, index.size] on the tensor."""
        added = np.zeros(len(weight)) if self.offset is None else weight.astype(np.float64) @ self.offset.ravel()
        if self.scale is not None:
            weight = weight * self.scale.ravel()
        if self._trivial():
            return weight, added
        index = self.index.ravel()
        if self._permutes(base):
            permuted = np.empty_like(weight)
            permuted[:, index] = weight
            return permuted, added
        summed = np.zeros((base, len(weight)))
        np.add.at(summed, index, weight.T.astype(np.float64))
        return np.ascontiguousarray(summed.T), added
