"""Training through a quantiser: weights that move between levels, and scales alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from emcc.compress.method import Assigner
from emcc.compress.parameters import Codes, decoded, leaves_of, values_of
from emcc.compress.state import State
from emcc.ir.graph import Array


class Straight(Codes):
    """Weights through their levels, straight (Bengio et al. 2013): forwards the level, backwards as if there were none.

    With `noise` below 1 a step quantises that share of the weights, drawn anew, and the others pass as they are
    (Quant-Noise: Fan et al., "Training with Quantization Noise for Extreme Model Compression", ICLR 2021, section 4,
    one weight a block).
    """

    def __init__(self, torch: Any, state: State, assign: Assigner, every: int, noise: float = 1.0) -> None:
        super().__init__(torch, state, assign, every)
        self._noise, self._clock, self._step = noise, state.clock, 0

    def project(self, step: int, at: float) -> None:
        """Levels anew where it is time to."""
        super().project(step, at)
        self._step = step

    def constants(self) -> dict[str, Any]:
        """Levels, or the weights that noise leaves out, with the gradient of the weights; and biases."""
        through = super().constants()
        if self._noise >= 1:
            return through
        rng = np.random.default_rng([self._clock, self._step])
        for name, dense in self._dense().items():
            taken = self._torch.from_numpy(rng.random(tuple(dense.shape), np.float32) < self._noise)
            through[name] = self._torch.where(taken, through[name], dense)
        return through


class Scales:
    """A layer's scale, or each row's, and biases; codes and the levels' proportions stay.

    fixed: nothing but biases learns.
    """

    decays = frozenset[str]()

    def __init__(self, torch: Any, state: State, biases: bool = True, fixed: bool = False) -> None:
        self._torch = torch
        sizes = {name: _size(values) for name, values in state.values.items()}
        scales: Mapping[str, Array] = {} if fixed else sizes
        self.leaves = leaves_of(torch, {**scales, **(state.biases if biases else {})})
        self._values = {name: values / sizes[name] for name, values in state.values.items()}
        weights = decoded((self._values, dict(state.codes)))
        self._levels = {name: torch.from_numpy(array.reshape(len(array), -1)) for name, array in weights.items()}
        self._sizes, self._state = sizes, state

    def project(self, step: int, at: float) -> None:
        """Nothing: any scale is allowed."""

    def constants(self) -> dict[str, Any]:
        """Levels times scales, and biases."""
        shown = {}
        for name, levels in self._levels.items():
            scale = self.leaves.get(name)
            scale = self._torch.from_numpy(self._sizes[name]) if scale is None else scale
            shown[name] = (levels * scale.abs().reshape(-1, 1)).reshape(self._state.codes[name].shape)
        return {**self.leaves, **shown}

    def result(self, state: State) -> State:
        """The state with the scales and biases of now."""
        arrays = values_of(self.leaves)
        values = {name: self._values[name] * np.abs(arrays.get(name, self._sizes[name])) for name in state.values}
        biases = {name: arrays.get(name, old) for name, old in state.biases.items()}
        return replace(state, values=values, weights=decoded((values, dict(state.codes))), biases=biases)


def _size(values: Array) -> Array:
    """The largest size of a layer's entries, float32 [1], or of each row's, [rows, 1]; 1 where all are zero."""
    size = np.abs(values).max(axis=-1, keepdims=True)
    return np.where(size > 0, size, 1).astype(np.float32)
