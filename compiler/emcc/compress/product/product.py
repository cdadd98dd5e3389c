"""Product quantisation as a method: a code a block of neighbouring weights."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.base.text import printable
from emcc.compress.clusters.codebook import cluster
from emcc.compress.clusters.integers import of_units
from emcc.compress.product.vectors import assigned, kmeans
from emcc.ir.blocks import Blocks
from emcc.ir.graph import Array, Codebook, Graph
from emcc.passes.layers import Layer, check_names, finite_weights, linear_layers

OWNERS = ("layer", "position")
LONGEST = 64
_FEWEST = 4
"""Blocks a sub-vector of a codebook, at least (Stock et al. 2020, section 4.1, clamp it so)."""


@dataclass(frozen=True)
class Product:
    """Product quantisation: k-means of the blocks that rows are cut into, for storage.

    With `own` "position" every block of a row has a codebook (Jegou et al., TPAMI 2011; Gong et al. 2014, section
    3.3), with "layer" all share one (Stock et al., ICLR 2020). Rows of a convolution are its filters: at 9, a block is
    a 3 x 3 kernel. A block of zeros stays zero; zeros of pruning in other blocks do not. Layers that no block fits
    (columns of a prime number) or that have too few keep k-means' codebook of scalars, of 8 bits.

    With data it is trained layer by layer, after passes with noise where asked for (`training.Iterative`).
    """

    block: int = option(
        8, "weights of a block, at most; a layer's is the largest that divides its rows", low=2, high=LONGEST
    )
    entries: int = option(256, "sub-vectors of a codebook, at most, and a quarter of its blocks", low=2, high=256)
    own: str = option("layer", "what has a codebook of its own: a layer, or each position of a row", choices=OWNERS)
    entry_bits: int = option(8, "bits of a number of a sub-vector; 0: float32", choices=(0, 8, 16))
    rounds: int = option(25, "rounds of k-means, at most", low=1, high=10_000)
    samples: int = option(256, "blocks a sub-vector that k-means looks at, at most", low=1, high=1_000_000)
    noise: float = option(0.1, "share of the blocks that a step of training with noise quantises", low=0.0, high=1.0)
    noise_epochs: int = option(0, "passes over the data with noise, before layers are quantised", low=0, high=10_000)
    seed: int = option(0, "of where k-means begins, and of noise", low=0, high=2**32 - 1)
    layers: Mapping[str, int] = option({}, "weights of a block of one layer, by its name", low=1, high=LONGEST)
    name: ClassVar[str] = "product"
    role: ClassVar[str] = "share"
    zeros_stay: ClassVar[bool] = False

    def check(self, graph: Graph) -> None:
        """EmccError where a block of `layers` does not go with its layer."""
        check_names(self.layers, graph, "product.layers")
        wrong = []
        for node in graph.layers():
            columns, block = _columns(graph.constants[node.inputs[1]]), self.layers.get(node.name, 1)
            if columns % block:
                wrong.append(f"{printable(node.name)!r}: blocks of {block}, rows of {columns}")
        if wrong:
            hint = "give the layer a block that divides its rows, or leave it out of [product.layers]"
            raise EmccError("blocks that rows cannot be cut into", details=wrong, hint=hint)

    def apply(self, graph: Graph) -> Graph:
        """The graph with all weights product quantised."""
        self.check(graph)
        return self.quantised(graph, linear_layers(graph))

    def kept(self) -> Self:
        """The same: the rule, without training."""
        return self

    def on(self, x: Array) -> Self:
        """The same: errors are not weighed."""
        return self

    def quantised(self, graph: Graph, layers: Iterable[Layer]) -> Graph:
        """The graph with these layers product quantised, one after another."""
        blocks, books, constants = dict(graph.blocks), dict(graph.codebooks), {}
        for layer in layers:
            weights = finite_weights(graph, layer)
            made = self.of(weights, layer.node.name)
            if isinstance(made, Blocks):
                blocks[layer.weight] = made
                constants[layer.weight] = made.weights()
            else:
                books[layer.weight] = made
                constants[layer.weight] = made.weights().astype(np.float32)
        return graph.with_constants(constants).with_(blocks=blocks, codebooks=books)

    def of(self, weights: Array, layer: str) -> Blocks | Codebook:
        """A layer's weights, float32 [rows, ...]: the same every time."""
        columns = _columns(weights)
        block = self.layers.get(layer) or max(size for size in range(1, self.block + 1) if columns % size == 0)
        across = columns // block
        count, size = (1, weights.size // block) if self.own == "layer" else (across, len(weights))
        entries = min(self.entries, size // _FEWEST)
        if block < 2 or entries < 2:
            return cluster(weights, 8)
        cut = weights.reshape(len(weights), across, block)
        parts = [cut.reshape(1, -1, block)[0]] if count == 1 else [cut[:, j] for j in range(across)]
        rng = np.random.default_rng(self.seed)
        books = [self._book(part, entries, rng) for part in parts]
        codes = np.empty((len(weights), across), np.uint8)
        for j, (part, book) in enumerate(zip(parts, rounded(books, self.entry_bits), strict=True)):
            books[j], own = _ordered(book, assigned(np.ascontiguousarray(part), book))
            codes[:, j : j + across // count] = own.reshape(len(weights), -1)
        values = np.zeros((count, max(map(len, books)), block), np.float32)
        for own, book in zip(values, books, strict=True):
            own[: len(book)] = book
        return Blocks(values, codes, weights.shape)

    def _book(self, points: Array, entries: int, rng: np.random.Generator) -> Array:
        """Sub-vectors of a codebook, float32 [K, B]; the first is zero where a block is."""
        alive = np.flatnonzero(points.any(axis=1))
        room, many = entries - (len(alive) < len(points)), self.samples * entries
        if len(alive) > many:
            alive = np.sort(rng.choice(alive, many, replace=False))
        book = kmeans(np.ascontiguousarray(points[alive]), room, self.rounds, rng)
        return np.concatenate([np.zeros((entries - room, points.shape[1]), np.float32), book])


def rounded(books: list[Array], bits: int) -> list[Array]:
    """Numbers of so many bits with one power of two for all, the finest that the largest allows; 0 leaves them.

    No zero is a negative one, which a file would have to tell apart.
    """
    largest = max((float(np.abs(book).max(initial=0.0)) for book in books), default=0.0)
    if not bits or not largest:
        return books
    top = (1 << bits - 1) - 1
    frac = bits - 1 - int(np.frexp(largest)[1])
    whole = [np.clip(np.rint(np.ldexp(book, frac)), -top, top) + np.float32(0) for book in books]
    return [np.ldexp(numbers, -frac).astype(np.float32) for numbers in whole]


def scalars(graph: Graph) -> Graph:
    """The graph with codebooks of scalars in the place of blocks, as the array takes weights.

    Weights of few bits are integers times one power of two, and as such the same; of others as many as 256 distinct
    ones are kept exactly, and more become numbers of 16 bits.
    """
    books, constants = dict(graph.codebooks), {}
    for name, blocks in graph.blocks.items():
        weights, unit = graph.constants[name], unit_of(blocks.values)
        book = (of_units(weights, np.array([unit])) if unit else None) or cluster(weights, 0, wide=True)
        books[name], constants[name] = book, book.weights().astype(np.float32)
    return graph.with_constants(constants).with_(codebooks=books, blocks={})


def unit_of(values: Array) -> float:
    """The largest power of two that all values are multiples of; 0 where there is none that makes them 16 bits."""
    used = values[values != 0].astype(np.float64)
    if not used.size:
        return 1.0
    mantissas, exponents = np.frexp(used)
    whole = np.ldexp(mantissas, 53).astype(np.int64)
    unit = float(np.ldexp((whole & -whole).astype(np.float64), exponents - 53).min())
    return unit if float(np.abs(used).max()) / unit < 1 << 15 else 0.0


def _columns(weights: Array) -> int:
    return weights.size // len(weights)


def _ordered(book: Array, codes: Array) -> tuple[Array, Array]:
    """The sub-vectors in use, zero first, then by how often, and the codes that say the same."""
    counts = np.bincount(codes, minlength=len(book))
    order = np.lexsort((np.arange(len(book)), -counts, book.any(axis=1)))
    order = order[counts[order] > 0]
    place = np.zeros(len(book), np.uint8)
    place[order] = np.arange(len(order))
    return book[order], place[codes]


@dataclass(frozen=True)
class Scalars:
    """A pass that product quantises, and codebooks of scalars for what it gives: for the array."""

    inner: Any

    @property
    def name(self) -> str:
        """The method's."""
        return str(self.inner.name)

    @property
    def role(self) -> str:
        """The method's."""
        return str(self.inner.role)

    @property
    def finetune(self) -> Any:
        """What trained it, if anything did."""
        return getattr(self.inner, "finetune", None)

    @property
    def product(self) -> Product:
        """The method."""
        return self.inner if isinstance(self.inner, Product) else self.inner.product

    def apply(self, graph: Graph) -> Graph:
        """The graph with codebooks."""
        return scalars(self.inner.apply(graph))
