"""Drop what cannot change the output: inputs nobody reads, neurons nobody reads, neurons that are constant.

All of it is exact in integers: a neuron without weights always gives f(bias), so its products move into the next
layer's biases. The order of what is left stays.
"""

from dataclasses import replace

import numpy as np

from emcc.eie.matrix import Matrix
from emcc.ir.codebook import looked_up_in
from emcc.ir.graph import Array


def trim(layers: list[Matrix]) -> tuple[list[Matrix], list[Array]]:
    """Return the trimmed layers of a chain, and which inputs of each are left (int64, ascending, at least one)."""
    layers = _fold_constant_rows(list(layers))
    left = []
    for i in range(len(layers) - 1, -1, -1):
        kept = _kept(layers[i].live)
        if kept.size < layers[i].codes.shape[1]:
            layers[i] = layers[i].columns(kept)
            if i:
                layers[i - 1] = layers[i - 1].rows(kept)
        left.append(kept)
    return layers, left[::-1]


def _kept(live: Array) -> Array:
    """Return the indices of columns with any weight; the first where none has: the hardware has no empty layer."""
    used = np.asarray(live.any(axis=0))
    return np.flatnonzero(used) if used.any() else np.zeros(1, np.int64)


def _fold_constant_rows(layers: list[Matrix]) -> list[Matrix]:
    for i in range(len(layers) - 1):
        this, after = layers[i], layers[i + 1]
        constant = np.flatnonzero(~this.live.any(axis=1))
        if not constant.size or not after.pads:
            continue
        rows = this.rows(constant)
        outputs = rows.activate(rows.bias)
        moved = looked_up_in(after.codes[:, constant], after.codebook) @ outputs
        codes = after.codes.copy()
        codes[:, constant] = 0
        layers[i + 1] = replace(after, codes=codes, bias=after.bias + moved)
    return layers
