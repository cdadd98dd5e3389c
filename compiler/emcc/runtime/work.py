"""The multiplications of an inference that cannot be skipped."""

from collections.abc import Sequence

import numpy as np

from emcc.ir.graph import Array
from emcc.ir.program import Layer, Program


def products(program: Program, values: Sequence[Array]) -> Array:
    """Return the products of a non-zero weight and a non-zero activation, of each sample: int64 [n].

    `values` are the layers' inputs in slot order, int64 [n, n_in], as `eie.reference.run_layers` gives them; what
    follows them is ignored.
    """
    by_layer = [(x != 0) @ weights_by_column(layer) for layer, x in zip(program.layers, values, strict=False)]
    return np.asarray(np.sum(by_layer, axis=0))


def weights_by_column(layer: Layer) -> Array:
    """Return the number of weights that are not zero, by column: int64 [n_in]; padding zeros do not count."""
    before = np.concatenate([[0], np.cumsum(layer.codebook[layer.code] != 0)])
    begin = layer.first[:-1, None] + layer.start
    return np.asarray((before[begin + layer.count] - before[begin]).sum(axis=0), np.int64)
