"""Which rows train and which decide."""

import numpy as np

from emcc.ir.graph import Array

JUDGES = 20_000
"""Most samples held out: more would not make a decision better, only slower."""


def split(samples: int, holdout: float, seed: int) -> tuple[Array, Array]:
    """Return rows that train and rows that decide, disjoint and sorted; all rows twice where none can be held out."""
    held = min(max(1, round(samples * holdout)), JUDGES, samples - 1) if holdout else 0
    if held < 1:
        return np.arange(samples), np.arange(samples)
    order = np.random.default_rng([seed, 0x5B117]).permutation(samples)
    return np.sort(order[held:]), np.sort(order[:held])
