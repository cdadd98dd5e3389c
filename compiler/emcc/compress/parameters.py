"""The part of a folded graph that is trained, as torch parameters, and the way back."""

from math import prod
from typing import Any

import numpy as np

from emcc.ir.codebook import canonical
from emcc.ir.graph import Array, Codebook, Graph
from emcc.passes.layers import linear_layers


class Weights:
    """One layer's weights as a vector of parameters `theta`: its non-zero weights, or its codebook's entries."""

    def __init__(self, torch: Any, weights: Array, book: Codebook | None) -> None:
        self._torch, self._shape, self._book = torch, weights.shape, book
        if book is None:
            kept = np.flatnonzero(weights)
            start = weights.ravel()[kept]
            self._entry = None
        else:
            # Entry 0 stays the exact zero it is; in a layer without zeros it learns like the others.
            first = int(book.values[0] == 0)
            kept = np.flatnonzero(book.codes >= first)
            start = book.values[first:].astype(np.float32)
            self._entry = torch.from_numpy(book.codes.ravel()[kept].astype(np.int64) - first)
            self._first = first
        self._at = None if kept.size == weights.size else torch.from_numpy(kept)
        self.theta = torch.from_numpy(np.array(start, np.float32)).requires_grad_()

    def dense(self) -> Any:
        """The weight matrix, a function of theta."""
        values = self.theta if self._entry is None else self.theta.index_select(0, self._entry)
        if self._at is None:
            return values.reshape(self._shape)
        return self._torch.zeros(prod(self._shape)).scatter(0, self._at, values).reshape(self._shape)

    def decode(self) -> tuple[Array, Codebook | None]:
        """The weights, float32, and their codebook where there was one."""
        if self._book is None:
            return self.dense().detach().numpy().copy(), None
        theta = self.theta.detach().numpy().astype(np.float64)
        values = np.concatenate([self._book.values[: self._first], theta])
        book = canonical(values, self._book.codes, self._book.code_w)
        return book.weights().astype(np.float32), book


class Parameters:
    """All that is trained of a graph: weights or codebooks, and biases."""

    def __init__(self, torch: Any, graph: Graph) -> None:
        self._graph = graph
        self._weights: dict[str, Weights] = {}
        self._biases: dict[str, Any] = {}
        for layer in linear_layers(graph):
            book = graph.codebooks.get(layer.weight)
            self._weights[layer.weight] = Weights(torch, graph.constants[layer.weight], book)
            bias = np.array(graph.constants[layer.bias], np.float32)
            self._biases[layer.bias] = torch.from_numpy(bias).requires_grad_()

    def kept(self) -> tuple[int, int]:
        """Weights that are not zero, and weights."""
        found = [self._graph.constants[name] for name in self._weights]
        return sum(int(np.count_nonzero(each)) for each in found), sum(each.size for each in found)

    def leaves(self) -> list[Any]:
        """The tensors to optimise."""
        return [*(weights.theta for weights in self._weights.values()), *self._biases.values()]

    def constants(self) -> dict[str, Any]:
        """The graph's weights and biases as functions of the leaves."""
        return {**{name: weights.dense() for name, weights in self._weights.items()}, **self._biases}

    def graph(self) -> Graph:
        """The graph with the leaves' present values."""
        constants: dict[str, Array] = {}
        codebooks: dict[str, Codebook] = {}
        for name, weights in self._weights.items():
            constants[name], book = weights.decode()
            if book is not None:
                codebooks[name] = book
        for name, bias in self._biases.items():
            constants[name] = bias.detach().numpy().astype(np.float64)
        return self._graph.with_constants(constants).with_(codebooks=codebooks)
