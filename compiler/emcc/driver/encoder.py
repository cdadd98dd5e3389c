"""The bytes of model.emc for a graph with shared weights."""

from typing import Any

import numpy as np

from emcc.container import encode, layer_sizes
from emcc.ir.codebook import canonical
from emcc.ir.graph import Codebook, Graph
from emcc.passes.calibrate import Calibrate
from emcc.passes.quantise import Quantise, finest_weight_frac

CHAIN = ("Linear", "Relu", "LeakyRelu", "Sigmoid", "Tanh")


def is_chain(graph: Graph) -> bool:
    """Whether the array runs it: then model.emc holds integers throughout."""
    return all(node.op in CHAIN for node in graph.nodes)


def layer_table(encoded: bytes) -> tuple[list[Any], int]:
    """(container.LayerSize a layer, the bytes that are no layer's)."""
    rows = layer_sizes(encoded)
    return rows, len(encoded) - sum(row.bytes for row in rows)


def snapped(shared: Graph) -> Graph:
    """The graph with codebook entries of 16 bits: multiples of the finest power of two at which all fit, none lost."""
    books: dict[str, Codebook] = {}
    for name, book in shared.codebooks.items():
        frac = finest_weight_frac(book.values)
        if frac is not None:
            integers = np.floor(np.ldexp(book.values, frac) + 0.5)
            integers = np.where((integers == 0) & (book.values != 0), np.sign(book.values), integers)
            book = canonical(np.ldexp(integers, -frac), book.codes, book.code_w)
        books[name] = book
    weights = {name: book.weights().astype(np.float32) for name, book in books.items()}
    return shared.with_constants(weights).with_(codebooks=books)


class Encoder:
    """What compiling would write: a chain calibrated, quantised and encoded; any other graph encoded as it is."""

    def __init__(self, calibrate: Calibrate, quantise: Quantise | None = None, coding: str = "auto") -> None:
        self._calibrate, self._coding = calibrate, coding
        self._quantise = quantise or Quantise()

    def __call__(self, shared: Graph) -> bytes:
        """The file."""
        return encode(self.quantised(shared) if is_chain(shared) else snapped(shared), coding=self._coding)

    def quantised(self, shared: Graph) -> Graph:
        """The integer graph."""
        return self._quantise.apply(self._calibrate.apply(shared))
