"""Training with product quantisation: with noise, then layer by layer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from emcc.compress.finetune import Finetune
from emcc.compress.parameters import leaves_of, values_of
from emcc.compress.product.product import Product, rounded
from emcc.compress.state import State, graph_of
from emcc.ir.graph import Array, Graph
from emcc.passes.layers import Layer, linear_layers


@dataclass(frozen=True)
class Iterative:
    """Product quantisation of a network layer by layer, and Finetune in between.

    First Quant-Noise (Fan et al., "Training with Quantization Noise for Extreme Model Compression", ICLR 2021, section
    4): for `noise_epochs` each step quantises a share `noise` of the blocks, straight through, by codebooks that each
    epoch begins with. Then iterative product quantisation (Stock et al., ICLR 2020, section 3.2; Fan et al., section
    3.3): layers are quantised in order, and after each the layers behind it, sub-vectors of those before it and biases
    are trained, codes staying; `finetune.shared_epochs` in all, the last layers having the remainder. Where these are
    fewer than layers, several are quantised at a time.
    """

    product: Product
    finetune: Finetune

    @property
    def name(self) -> str:
        """The method's."""
        return self.product.name

    @property
    def role(self) -> str:
        """The method's."""
        return self.product.role

    def apply(self, graph: Graph) -> Graph:
        """The quantised and trained graph; the method alone without data or epochs."""
        self.product.check(graph)
        if self.finetune.data is None:
            return self.product.apply(graph)
        if self.product.noise and self.product.noise_epochs:
            graph = self._with_noise(graph)
        for own, share in turns(list(linear_layers(graph)), self.finetune.shared_epochs):
            graph = self.product.quantised(graph, own)
            graph = self.finetune.train(graph, share, self._behind)
        return graph

    def _with_noise(self, graph: Graph) -> Graph:
        """The graph with weights that noise trained, not quantised; judged by what they are quantised."""
        begun = self.product.apply(graph)
        names = {layer.weight: layer.node.name for layer in linear_layers(graph)}
        _, state = self.finetune.states(graph, self.product.noise_epochs, partial(self._noisy, names), begun)
        return graph_of(graph, replace(state, values={}, codes={}))

    def _noisy(self, names: Mapping[str, str], torch: Any, state: State) -> "Noise":
        return Noise(torch, state, self.product, names)

    def _behind(self, torch: Any, state: State) -> "Centroids":
        return Centroids(torch, state, self.product.entry_bits)


def turns(layers: Sequence[Layer], epochs: int) -> Iterator[tuple[Sequence[Layer], int]]:
    """The layers that are quantised at a time, in order, and the epochs of training behind them."""
    groups = max(1, min(len(layers), epochs))
    for group in range(groups):
        own = layers[len(layers) * group // groups : len(layers) * (group + 1) // groups]
        yield own, epochs // groups + (epochs % groups if group == groups - 1 else 0)


class Noise:
    """Weights of which each step quantises some blocks, drawn anew, and biases. Zeros stay zero."""

    def __init__(self, torch: Any, state: State, product: Product, names: Mapping[str, str]) -> None:
        self._torch, self._product, self._names = torch, product, names
        self.leaves = leaves_of(torch, {**state.weights, **state.biases})
        self.decays = frozenset(state.weights)
        self._masks = {name: torch.from_numpy(weights != 0).float() for name, weights in state.weights.items()}
        self._rng = np.random.default_rng([product.seed, state.clock])
        self._made = {name: product.of(weights, names[name]) for name, weights in state.weights.items()}
        self._shared = {name: torch.from_numpy(_weights(made)) for name, made in self._made.items()}

    def project(self, step: int, at: float) -> None:
        """Nothing: codebooks are those of the epoch."""

    def constants(self) -> dict[str, Any]:
        """Quantised weights where noise falls, with the gradient of the weights; others as they are; and biases."""
        shown = {}
        for name, mask in self._masks.items():
            dense, made = self.leaves[name] * mask, self._made[name]
            codes = made.codes
            drawn = self._rng.random(codes.size, np.float32) < self._product.noise
            taken = np.repeat(drawn, dense.numel() // codes.size).reshape(dense.shape)
            through = self._shared[name] + (dense - dense.detach())
            shown[name] = self._torch.where(self._torch.from_numpy(taken), through, dense)
        return {**self.leaves, **shown}

    def result(self, state: State) -> State:
        """The weights and biases of now, and what they are quantised, which is what is judged."""
        arrays = values_of(self.leaves)
        weights = {name: arrays[name] * mask.numpy() + np.float32(0) for name, mask in self._masks.items()}
        made = {name: self._product.of(array, self._names[name]) for name, array in weights.items()}
        values = {name: own.values.astype(np.float32) for name, own in made.items()}
        codes, biases = {name: own.codes for name, own in made.items()}, {name: arrays[name] for name in state.biases}
        return replace(state, weights=weights, biases=biases, values=values, codes=codes)


class Centroids:
    """Sub-vectors of the layers that are quantised, weights of the others that are not zero, and biases.

    A sub-vector moves by the sum of the gradients of its blocks (Stock et al., section 3.2), and is rounded to its bits
    straight through; zero stays zero. Codebooks of scalars, of layers without blocks, move likewise.
    """

    def __init__(self, torch: Any, state: State, bits: int) -> None:
        self._torch, self._bits, self._state = torch, bits, state
        plain = {name: weights for name, weights in state.weights.items() if name not in state.values}
        self.leaves = leaves_of(torch, {**state.values, **plain, **state.biases})
        self.decays = frozenset(plain)
        alive = {name: array != 0 for name, array in plain.items()}
        alive |= {name: _alive(array) for name, array in state.values.items()}
        self._masks = {name: torch.from_numpy(array).float() for name, array in alive.items()}
        self._at = {name: torch.from_numpy(_places(state.values[name], state.codes[name])) for name in state.values}

    def project(self, step: int, at: float) -> None:
        """Nothing: any sub-vector is allowed."""

    def constants(self) -> dict[str, Any]:
        """Decoded weights, weights that are not zero, and biases."""
        shown = {name: self.leaves[name] * mask for name, mask in self._masks.items()}
        for name, at in self._at.items():
            values = shown[name]
            if values.ndim == 3:
                near = self._torch.from_numpy(self._rounded(values.detach().numpy()))
                values = (near + (values - values.detach())).flatten(0, 1)
            shown[name] = values.index_select(0, at).reshape(self._state.weights[name].shape)
        return {**self.leaves, **shown}

    def result(self, state: State) -> State:
        """The state with what the leaves are now."""
        arrays = values_of(self.leaves)
        kept = {name: arrays[name] * mask.numpy() + np.float32(0) for name, mask in self._masks.items()}
        values = {name: self._rounded(kept[name]) if kept[name].ndim == 3 else kept[name] for name in state.values}
        weights = {name: kept[name] for name in state.weights if name not in values}
        for name, own in values.items():
            flat = own.reshape(-1, own.shape[-1]) if own.ndim == 3 else own
            weights[name] = flat[self._at[name].numpy()].reshape(state.weights[name].shape)
        weights = {name: weights[name] for name in state.weights}
        return replace(state, weights=weights, values=values, biases={name: arrays[name] for name in state.biases})

    def _rounded(self, values: Array) -> Array:
        return rounded([values], self._bits)[0]


def _alive(array: Array) -> Array:
    """Which entries may move, [K]: those that are not zero; of sub-vectors, [S, K, B], all numbers of those."""
    if array.ndim < 3:
        return np.asarray(array != 0)
    return np.array(np.broadcast_to(array.any(axis=2, keepdims=True), array.shape))


def _places(values: Array, codes: Array) -> Array:
    """int64: where each block's sub-vector is among all, or each weight's entry."""
    if values.ndim < 3:
        return codes.ravel().astype(np.int64)
    own = np.arange(codes.shape[1]) % len(values) * values.shape[1]
    return np.asarray(own + codes.astype(np.int64)).ravel()


def _weights(made: Any) -> Array:
    """The weights of Blocks or of a Codebook, float32."""
    return np.asarray(made.weights(), np.float32)
