"""What quantisers share: a rule from a layer's weights to levels, and how weights are trained through it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.base.text import printable
from emcc.compress.clusters.codebook import entropy
from emcc.compress.method import Assigner, Books, Costs, Setting
from emcc.compress.quantisers.straight import Scales, Straight
from emcc.compress.state import State, book_of
from emcc.ir.graph import Array, Graph
from emcc.passes.layers import check_names, finite_weights, linear_layers

SCALES = ("tensor", "row")
_NUMBER_BITS = 16


@dataclass(frozen=True)
class Quantiser(ABC):
    """A method that shares weights by a rule. Zero weights stay exactly zero.

    In a search a layer's setting says its bits, where the rule has a choice; the price of a code's bit, and what errors
    cost, are not used. In the fixed schedule weights are trained straight through the rule, the layer's bits as the
    recipe has them (`finetune.Through`).
    """

    scale: str = option("tensor", "what has a scale of its own: a layer's tensor, or each row", choices=SCALES)
    noise: float = option(1.0, "share of the weights that a step of training quantises", low=0.0, high=1.0)
    layers: Mapping[str, int] = option({}, "bits of one layer, by its name", low=2, high=8)
    name: ClassVar[str] = ""
    role: ClassVar[str] = "share"
    zeros_stay: ClassVar[bool] = True

    @abstractmethod
    def levels(self, weights: Array, bits: int) -> tuple[Array, Array]:
        """(values, codes) of finite float32 weights [rows, ...] at so many bits, 0 for those of the options; see Books.

        Entry 0 is zero.
        """

    def check(self, graph: Graph) -> None:
        """EmccError where the options do not go with the model's layers, or with one another."""
        check_names(self.layers, graph, f"{self.name}.layers")

    @property
    def fixed_alone(self) -> str:
        """The option, where it is set, that only the fixed schedule knows; "" where there is none."""
        return ""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What it chose by itself when it last ran, for emcc.json, by name; nothing where it has no choice."""
        return {}

    def settled(self, graph: Graph) -> Self:
        """The method with what it chooses for the graph, once, before weights are trained through it."""
        return self

    def apply(self, graph: Graph) -> Graph:
        """The graph with quantised weights."""
        self.check(graph)
        weights = {layer.weight: finite_weights(graph, layer) for layer in linear_layers(graph)}
        values, codes = self.settled(graph).assigner(graph)(weights)
        books = {name: book_of(values[name], codes[name]) for name in weights}
        constants = {name: book.weights().astype(np.float32) for name, book in books.items()}
        return graph.with_constants(constants).with_(codebooks={**graph.codebooks, **books})

    def assigner(self, graph: Graph) -> Assigner:
        """From weights to the books of every layer, at the bits that the options give it."""
        bits = {layer.weight: self.layers.get(layer.node.name, 0) for layer in linear_layers(graph)}

        def assign(weights: Mapping[str, Array]) -> Books:
            made = {name: self.levels(array, bits[name]) for name, array in weights.items()}
            return {name: book[0] for name, book in made.items()}, {name: book[1] for name, book in made.items()}

        return assign

    def on(self, x: Array) -> Self:
        """The same: errors are not weighed."""
        return self

    def kept(self) -> Self:
        """The same: the rule, without training."""
        return self

    def sizes(self, weights: Array, most: int) -> Sequence[int]:
        """One size, where the rule has no choice."""
        return (2,)

    def costs(self, graph: Graph, x: Array) -> Costs:
        """Nothing: errors are not weighed."""
        return {}

    def assign(self, weights: Array, setting: Setting, cost: Array | None = None) -> tuple[Array, Array]:
        """The levels of a layer, with no more entries than the setting has, where the rule has a choice."""
        return self.levels(weights, bits_for(setting[0]) if len(self.sizes(weights, 255)) > 1 else 0)

    def parameters(self, torch: Any, state: State, assign: Assigner, every: int) -> Straight:
        """Weights that move between levels, which are made anew before each step, whatever `every`.

        Where a network does not see that weights moved they run away: LeNet-300-100 with uniform weights, levels made
        every 40 steps, fell from 96 to 43 % in an epoch.
        """
        return Straight(torch, state, assign, 1, self.noise)

    def entries(self, torch: Any, state: State, biases: bool = True) -> Scales:
        """The scales."""
        return Scales(torch, state, biases)

    def bits_of(self, values: Array, codes: Array) -> float:
        """The entropy of the codes, and 16 bits a number of the codebook: its entries, and a scale a row."""
        return entropy(codes) + _NUMBER_BITS * (values.size if values.ndim == 1 else sum(values.shape))


def bits_for(entries: int) -> int:
    """The bits, 2 to 8, of the codes of so many entries besides zero: 2**bits - 2 of them, for signs are alike."""
    return min(8, max(2, (entries + 2).bit_length() - 1))


def entries_of(bits: Sequence[int], most: int) -> Sequence[int]:
    """The inverse for several, at most `most`, but one at least."""
    sizes = [(1 << width) - 2 for width in bits]
    return [size for size in sizes if size <= most] or sizes[:1]


def signs(weights: Array) -> Array:
    """uint8: 0 of a zero, 1 of what is below it and 2 of what is above."""
    codes = (weights > 0).astype(np.uint8) * np.uint8(2)
    codes[weights < 0] = 1
    return codes


def signed_levels(sizes: Array) -> Array:
    """float32 values: zero, and then -s and s of each size s, [m] or [rows, m]; see `signed_codes`."""
    both = np.stack([-sizes, sizes], axis=-1).reshape(*sizes.shape[:-1], -1)
    return np.concatenate([np.zeros((*sizes.shape[:-1], 1)), both], axis=-1).astype(np.float32)


def signed_codes(weights: Array, ranks: Array) -> Array:
    """uint8 codes into `signed_levels` of weights whose size is the rank-th, uint8, 1 the first; 0 is zero."""
    return np.where(ranks > 0, np.uint8(2) * ranks - (weights < 0), np.uint8(0))


def only(bits: int, wanted: int, name: str, why: str, graph: Graph) -> None:
    """EmccError, with the layers, where a method of one width is asked for another."""
    if bits == wanted:
        return
    layers = [f"{printable(layer.node.name)!r}: {layer.node.op}" for layer in linear_layers(graph)]
    hint = f"leave bits out; layers that need more bits go into [{name}.layers], and are then uniform"
    raise EmccError(f"[{name}] bits is {bits}, and {why}", details=layers, hint=hint)
