"""Ways to train a State: moving zeros, moving codes, codebooks alone; see `method.Parameters`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from emcc.compress.method import Assigner, Books, Chooser
from emcc.compress.state import State, weights_of
from emcc.ir.graph import Array


class Weights:
    """Weights that are not zero, and biases.

    Every `every` steps, `choose(weights, gradients, at)` gives the masks that hold from then on: what it leaves out
    becomes zero, what it brings in begins at zero. `gradients` are those of the last step for all weights, zeros too;
    empty at the first. None keeps the zeros that there are.
    """

    def __init__(self, torch: Any, state: State, choose: Chooser | None = None, every: int = 1) -> None:
        self._torch, self._choose, self._every = torch, choose, every
        self.leaves = leaves_of(torch, {**state.weights, **state.biases})
        self.decays = frozenset(state.weights)
        self._masks = {name: torch.from_numpy(weights != 0).float() for name, weights in state.weights.items()}
        self._dense: dict[str, Any] = {}

    def project(self, step: int, at: float) -> None:
        """Choose masks anew where it is time to."""
        if self._choose is None or step % self._every:
            return
        with self._torch.no_grad():
            gradients = {name: dense.grad.numpy() for name, dense in self._dense.items()}
            weights = {name: self.leaves[name].detach().numpy() for name in self._masks}
            for name, mask in self._choose(weights, gradients, at).items():
                self._masks[name] = self._torch.from_numpy(mask).float()
                self.leaves[name].mul_(self._masks[name])

    def constants(self) -> dict[str, Any]:
        """Masked weights, and biases."""
        self._dense = {name: self.leaves[name] * mask for name, mask in self._masks.items()}
        if self._choose is not None:
            for dense in self._dense.values():
                if dense.requires_grad:
                    dense.retain_grad()
        return {**self.leaves, **self._dense}

    def result(self, state: State) -> State:
        """The state with the weights and biases of now."""
        arrays = values_of(self.leaves)
        weights = {name: arrays[name] * mask.numpy() + np.float32(0) for name, mask in self._masks.items()}
        return replace(state, weights=weights, biases={name: arrays[name] for name in state.biases})


class Codes:
    """Weights through their codebooks: the network sees the nearest entry, the gradient goes to the weight.

    Every `every` steps `assign(weights)` gives the codebooks anew.
    """

    def __init__(self, torch: Any, state: State, assign: Assigner, every: int) -> None:
        self._torch, self._assign, self._every = torch, assign, every
        self.leaves = leaves_of(torch, {**state.weights, **state.biases})
        self.decays = frozenset[str]()
        self._masks = {name: torch.from_numpy(weights != 0).float() for name, weights in state.weights.items()}
        self._shared: dict[str, Any] = {}

    def project(self, step: int, at: float) -> None:
        """Assign codes anew where it is time to."""
        if step % self._every == 0:
            values, codes = self._assign({name: dense.detach().numpy() for name, dense in self._dense().items()})
            self._shared = {name: self._torch.from_numpy(array) for name, array in decoded((values, codes)).items()}

    def constants(self) -> dict[str, Any]:
        """Entries with the gradient of their weights (straight through), and biases."""
        through = {name: self._shared[name] + (dense - dense.detach()) for name, dense in self._dense().items()}
        return {**self.leaves, **through}

    def result(self, state: State) -> State:
        """The state with the weights, codebooks and biases of now."""
        arrays = values_of(self.leaves)
        weights = {name: arrays[name] * mask.numpy() + np.float32(0) for name, mask in self._masks.items()}
        values, codes = self._assign(weights)
        biases = {name: arrays[name] for name in state.biases}
        return replace(state, weights=weights, values=values, codes=codes, biases=biases)

    def _dense(self) -> dict[str, Any]:
        return {name: self.leaves[name] * mask for name, mask in self._masks.items()}


class Entries:
    """The entries of codebooks but a zero, each by the sum of its weights' gradients, and biases; codes stay."""

    def __init__(self, torch: Any, state: State, biases: bool = True) -> None:
        self._torch = torch
        self.leaves = leaves_of(torch, {**state.values, **(state.biases if biases else {})})
        self.decays = frozenset[str]()
        self._shapes = {name: codes.shape for name, codes in state.codes.items()}
        self._zero = {name: bool(values[0] == 0) for name, values in state.values.items()}
        self._at: dict[str, Any] = {}
        self._entry: dict[str, Any] = {}
        for name, codes in state.codes.items():
            used = np.flatnonzero(codes.ravel() >= self._zero[name])
            self._at[name] = None if used.size == codes.size else torch.from_numpy(used)
            self._entry[name] = torch.from_numpy(codes.ravel()[used].astype(np.int64))

    def project(self, step: int, at: float) -> None:
        """Nothing: any entry is allowed."""

    def constants(self) -> dict[str, Any]:
        """Decoded weights, and biases."""
        decoded = {}
        for name, shape in self._shapes.items():
            weights = self.leaves[name].index_select(0, self._entry[name])
            if self._at[name] is not None:
                weights = self._torch.zeros(int(np.prod(shape))).scatter(0, self._at[name], weights)
            decoded[name] = weights.reshape(shape)
        return {**self.leaves, **decoded}

    def result(self, state: State) -> State:
        """The state with the codebooks and biases of now."""
        arrays = values_of(self.leaves)
        values = {name: arrays[name] for name in state.values}
        weights = decoded((values, dict(state.codes)))
        return replace(
            state, values=values, weights=weights, biases={n: arrays.get(n, old) for n, old in state.biases.items()}
        )


def decoded(books: Books) -> dict[str, Array]:
    """The weights that codebooks stand for, float32."""
    values, codes = books
    return {name: weights_of(values[name], codes[name]) for name in values}


def leaves_of(torch: Any, arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Copies of the arrays, float32, as tensors to optimise."""
    return {name: torch.from_numpy(np.array(array, np.float32)).requires_grad_() for name, array in arrays.items()}


def values_of(leaves: Mapping[str, Any]) -> dict[str, Array]:
    """The leaves' present values."""
    return {name: leaf.detach().numpy() for name, leaf in leaves.items()}
