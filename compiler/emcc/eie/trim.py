"""Drop what cannot change the output: inputs nobody reads, neurons nobody reads, neurons that are constant.

All of it is exact in integers: a neuron without weights always gives f(bias), so its products move into the next
layer's biases. The order of what is left stays.
"""

from dataclasses import replace

import numpy as np

from emcc.eie.matrix import Matrix
from emcc.ir.graph import Array


def trim(layers: list[Matrix]) -> tuple[list[Matrix], Array]:
    """Return the trimmed layers, and the indices of the input elements left (int64, ascending, at least one)."""
    layers = _fold_constant_rows(list(layers))
    for i in range(len(layers) - 1, 0, -1):
        kept = _kept(layers[i].live)
        if kept.size < layers[i].codes.shape[1]:
            layers[i] = layers[i].columns(kept)
            layers[i - 1] = replace(layers[i - 1], codes=layers[i - 1].codes[kept], bias=layers[i - 1].bias[kept])
    inputs = _kept(layers[0].live)
    layers[0] = layers[0].columns(inputs)
    return layers, inputs


def _kept(live: Array) -> Array:
    """Return the indices of columns with any weight; the first where none has: the hardware has no empty layer."""
    used = np.asarray(live.any(axis=0))
    return np.flatnonzero(used) if used.any() else np.zeros(1, np.int64)


def _fold_constant_rows(layers: list[Matrix]) -> list[Matrix]:
    for i in range(len(layers) - 1):
        this, after = layers[i], layers[i + 1]
        constant = ~this.live.any(axis=1)
        if not constant.any() or after.codebook[0] != 0:
            continue
        outputs = this.activate(this.bias[constant])
        moved = after.codebook[after.codes[:, constant]] @ outputs
        codes = after.codes.copy()
        codes[:, constant] = 0
        layers[i + 1] = replace(after, codes=codes, bias=after.bias + moved)
    return layers
