"""What training carries from one epoch to the next, as arrays: it can be stored, and goes on as if never stored."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from emcc.files.arrays import read_npz, write_npz
from emcc.ir.blocks import Blocks
from emcc.ir.codebook import CODE_WIDTHS, canonical
from emcc.ir.graph import Array, Codebook, Graph

_FEW = 16
"""Entries up to which a codebook with scales is one; beyond, the code is the weight, and takes no memory of entries."""


@dataclass(frozen=True)
class State:
    """Arrays by kind and by the constant's name.

    Attributes:
        weights: float32, by weight constant; those that are pruned are zero.
        biases: float32, by bias constant.
        values: codebooks, float32 [K], entry 0 zero, or [rows, K], whole numbers times a unit a row, which is the
            least of the row that is not zero; or sub-vectors [S, K, B], see Blocks; empty before weights are shared.
        codes: uint8, shaped as the weights; [rows, columns / B] of sub-vectors.
        moments: Adam's, by "m:name" and "v:name"; empty at the beginning of a stage.
        clock: epochs trained in all; steps: of Adam in this stage.
    """

    weights: Mapping[str, Array]
    biases: Mapping[str, Array]
    values: Mapping[str, Array] = field(default_factory=dict)
    codes: Mapping[str, Array] = field(default_factory=dict)
    moments: Mapping[str, Array] = field(default_factory=dict)
    clock: int = 0
    steps: int = 0

    def fresh(self) -> "State":
        """Without moments: a stage begins."""
        return replace(self, moments={}, steps=0)

    def kept(self) -> int:
        """Weights that are not zero."""
        return sum(int(np.count_nonzero(weights)) for weights in self.weights.values())

    def size(self) -> int:
        """All weights."""
        return sum(weights.size for weights in self.weights.values())


def state_of(graph: Graph) -> State:
    """The state before training, of a folded graph; with its codebooks where weights are shared."""
    weights, biases = {}, {}
    for node in graph.layers():
        weights[node.inputs[1]] = np.array(graph.constants[node.inputs[1]], np.float32)
        if bias := graph.bias_of(node):
            biases[bias] = np.array(graph.constants[bias], np.float32)
    values = {name: book.values.astype(np.float32) for name, book in graph.codebooks.items()}
    values |= {name: blocks.values for name, blocks in graph.blocks.items()}
    codes = {name: book.codes for name, book in graph.codebooks.items()}
    codes |= {name: blocks.codes for name, blocks in graph.blocks.items()}
    return State(weights, biases, values, codes)


def graph_of(graph: Graph, state: State) -> Graph:
    """`graph` with the state's weights, decoded from codebooks where there are any, and biases.

    A codebook's codes are as wide as in `graph`, or as its entries need.
    """
    constants: dict[str, Array] = {name: biases.astype(np.float64) for name, biases in state.biases.items()}
    books: dict[str, Codebook] = {}
    blocks: dict[str, Blocks] = {}
    for name, weights in state.weights.items():
        constants[name] = weights
        if name in state.codes and state.values[name].ndim == 3:
            blocks[name] = Blocks(state.values[name], state.codes[name], weights.shape)
            constants[name] = blocks[name].weights()
        elif name in state.codes:
            known = graph.codebooks.get(name)
            books[name] = book_of(state.values[name], state.codes[name], known.code_w if known else 0)
            constants[name] = books[name].weights().astype(np.float32)
    return graph.with_constants(constants).with_(codebooks=books, blocks=blocks)


def book_of(values: Array, codes: Array, code_w: int = 0) -> Codebook:
    """The codebook of a layer's values and codes, as State has them; codes as wide as they need, or `code_w` bits."""
    if values.ndim == 1:
        width = code_w or next(bits for bits in CODE_WIDTHS if values.size <= 1 << bits)
        return canonical(values.astype(np.float64), codes, width)
    return _scaled(values.astype(np.float64), codes)


def _scaled(values: Array, codes: Array) -> Codebook:
    """Whole numbers, values [rows, K], with a scale a row: codes that are the weights where there are many."""
    sizes = np.where(values == 0, np.inf, np.abs(values)).min(axis=1)
    scale = np.where(np.isfinite(sizes), sizes, 1.0)
    whole = np.rint(values[int(np.argmax(np.isfinite(sizes)))] / scale[int(np.argmax(np.isfinite(sizes)))])
    used = np.unique(codes).size
    if used > _FEW and whole.min() >= -128 and whole.max() <= 127:
        return Codebook(np.zeros(0), whole.astype(np.int8)[codes], 8, scale)
    book = canonical(whole, codes, next(bits for bits in CODE_WIDTHS if used <= 1 << bits))
    return Codebook(book.values, book.codes, book.code_w, scale)


def weights_of(values: Array, codes: Array) -> Array:
    """The weights that a layer's values, [K] or [rows, K], and codes stand for, float32."""
    if values.ndim == 1:
        return np.asarray(values[codes])
    rows = np.arange(len(values)).reshape(-1, *(1,) * (codes.ndim - 1))
    return np.asarray(values[rows, codes])


_MAPS = ("weights", "biases", "values", "codes", "moments")


def pack(state: State) -> bytes:
    """The state as the bytes of an .npz; names, which are any text, are in its JSON header."""
    maps = {kind: getattr(state, kind) for kind in _MAPS}
    header = {"clock": state.clock, "steps": state.steps, "names": {kind: list(maps[kind]) for kind in _MAPS}}
    arrays = {f"{kind}/{i}": array for kind in _MAPS for i, array in enumerate(maps[kind].values())}
    return write_npz({"header": np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays})


def unpack(data: bytes) -> State:
    """The inverse. EmccError, ValueError or KeyError where the bytes are not such a file."""
    arrays = read_npz(data)
    header = json.loads(arrays["header"].tobytes())
    maps = {
        kind: {name: arrays[f"{kind}/{i}"].copy() for i, name in enumerate(header["names"][kind])} for kind in _MAPS
    }
    return State(**maps, clock=int(header["clock"]), steps=int(header["steps"]))


def digest(state: State) -> str:
    """A hash of everything in it."""
    total = hashlib.sha256(repr((state.clock, state.steps)).encode())
    for kind in _MAPS:
        for name, array in getattr(state, kind).items():
            total.update(f"{kind}/{name} {array.dtype} {array.shape}".encode())
            total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()
