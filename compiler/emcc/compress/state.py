"""What training carries from one epoch to the next, as arrays: it can be stored, and goes on as if never stored."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from emcc.files.arrays import read_npz, write_npz
from emcc.ir.codebook import CODE_WIDTHS, canonical
from emcc.ir.graph import Array, Codebook, Graph


@dataclass(frozen=True)
class State:
    """Arrays by kind and by the constant's name.

    Attributes:
        weights: float32, by weight constant; those that are pruned are zero.
        biases: float32, by bias constant.
        values: codebooks, float32 [K], entry 0 zero; empty before weights are shared.
        codes: uint8, shaped as the weights.
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
    return State(weights, biases, values, {name: book.codes for name, book in graph.codebooks.items()})


def graph_of(graph: Graph, state: State) -> Graph:
    """`graph` with the state's weights, decoded from codebooks where there are any, and biases.

    A codebook's codes are as wide as in `graph`, or as its entries need.
    """
    constants: dict[str, Array] = {name: biases.astype(np.float64) for name, biases in state.biases.items()}
    books: dict[str, Codebook] = {}
    for name, weights in state.weights.items():
        constants[name] = weights
        if name in state.codes:
            values, codes = state.values[name], state.codes[name]
            width = next(bits for bits in CODE_WIDTHS if values.size <= 1 << bits)
            known = graph.codebooks.get(name)
            books[name] = canonical(values.astype(np.float64), codes, known.code_w if known else width)
            constants[name] = books[name].weights().astype(np.float32)
    return graph.with_constants(constants).with_(codebooks=books)


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
