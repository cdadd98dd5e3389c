"""Graph: a model as a value. Every pass takes one and returns a new one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from emcc.ir.blocks import Blocks
from emcc.ir.norms import normalised

Array = np.ndarray[Any, Any]

INDICES = ("int32", "int64")
"""Types of an input that rows of a table are picked by."""

LAYERS = ("Conv", "Embedding", "GRU", "LSTM", "Linear", "Shift")
"""What owns weights in a folded graph; Embedding and Shift have no bias."""

HOSTED = ("GRU", "LSTM")
"""Those that the host runs in a quantised graph."""

CODED = ("QConv", "QLinear")
"""What owns weights in a quantised graph."""


@dataclass(frozen=True)
class Format:
    """Two's-complement fixed point: integer q stands for q * 2**-frac_bits.

    `frac_bits` may be negative or larger than `width`.
    """

    width: int
    frac_bits: int

    @property
    def low(self) -> int:
        """The smallest integer."""
        return -(1 << (self.width - 1))

    @property
    def high(self) -> int:
        """The largest integer."""
        return (1 << (self.width - 1)) - 1

    def rounded(self, values: Array) -> Array:
        """Floats to float64 integers of any size: nearest, ties up (floor(v + 1/2), as the hardware rounds).

        NaN is an error.
        """
        scaled = np.floor(np.ldexp(np.asarray(values, np.float64), self.frac_bits) + 0.5)
        if np.isnan(scaled).any():
            raise ValueError("NaN has no fixed-point value")
        return scaled

    def quantise(self, values: Array) -> Array:
        """Floats to int64: rounded, then saturated."""
        return np.clip(self.rounded(values), self.low, self.high).astype(np.int64)

    def beyond(self, values: Array) -> Array:
        """Which floats, rounded, are outside of the format, so that quantising saturates them: bool."""
        scaled = self.rounded(values)
        return np.asarray((scaled < self.low) | (scaled > self.high))

    def dequantise(self, integers: Array) -> Array:
        """Integers to float64."""
        return np.ldexp(np.asarray(integers, np.float64), -self.frac_bits)


@dataclass(frozen=True)
class Affine:
    """What the host does to a tensor outside of the array, in floats.

    An input x, divided by its sample's norm where there is one, goes in as (x - offset) * scale, element by element,
    and is then quantised; an output y comes out as y * scale + offset, once it is in floats.

    Attributes:
        scale, offset: float64 [elements], of the flattened sample, or [1], the same for all; scales are not 0.
        norm: of an input, one of norms.NORMS, or "" for none.
    """

    scale: Array
    offset: Array
    norm: str = ""

    def enter(self, x: Array) -> Array:
        """[n, ...] in the model's units to [n, elements] on the array's scale, in x's precision; norms in float64."""
        flat = x.reshape(len(x), -1)
        flat = normalised(np, self.norm, flat) if self.norm else flat
        return np.asarray((flat - self.offset.astype(flat.dtype)) * self.scale.astype(flat.dtype))

    def leave(self, y: Array) -> Array:
        """[n, ...] on the array's scale to [n, elements] in the model's units; in y's own precision."""
        flat = y.reshape(len(y), -1)
        return np.asarray(flat * self.scale.astype(flat.dtype) + self.offset.astype(flat.dtype))


PLAIN = Affine(np.ones(1), np.zeros(1))
"""What changes nothing."""


@dataclass(frozen=True)
class Tensor:
    """What flows along an edge. `shape[0]` is None: the batch. `fmt` is set by the calibrate pass."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    fmt: Format | None = None

    @property
    def features(self) -> int:
        """Elements a sample."""
        return int(np.prod([d for d in self.shape[1:] if d is not None], dtype=np.int64))


@dataclass(frozen=True)
class Node:
    """One operator. `inputs` name tensors or constants ("" for an absent optional input)."""

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Codebook:
    """Shared weights: weight[i, j] is values[codes[i, j]], times scale[i] where there are scales.

    Attributes:
        values: float64 [K], K <= 2**code_w. Entry 0 is exactly 0.0 unless the layer has no zero and needs no padding.
            [0] where the code is the weight (an identity codebook); integers where there are scales.
        codes: uint8, the weight's shape; int8 or int16 where the code is the weight.
        code_w: bits a code: 1, 2, 4, 8 or 16. The code is the weight with 8 or 16; with 16 it always is.
        scale: float64 [rows], or [1] for all; None for 1.
    """

    values: Array
    codes: Array
    code_w: int
    scale: Array | None = None

    @property
    def identity(self) -> bool:
        """Whether the code is the weight, so that there are no entries."""
        return not self.values.size

    def weights(self) -> Array:
        """The weights, float64, in the shape of `codes`."""
        plain = self.codes.astype(np.float64) if self.identity else self.values[self.codes]
        if self.scale is None:
            return plain
        return np.asarray(plain * self.scale.reshape(-1, *(1,) * (plain.ndim - 1)))


@dataclass(frozen=True)
class Graph:
    """Nodes in topological order over named tensors and constants.

    Attributes:
        name: the model's name (untrusted text).
        inputs, outputs: names of tensors.
        nodes: topologically sorted.
        tensors: every non-constant value by name.
        constants: every constant by name; the arrays are read-only.
        codebooks: by the name of the weight constant, once the share pass has run. `constants` then holds the
            same weights decoded to float.
        blocks: product-quantised weights, by the name of the constant; no such weight is in `codebooks`.
        host: operators after the last layer, left to the host ("Softmax", "ArgMax"): (op, attrs), in order.
        affines: what the host does to inputs and outputs, by tensor: see Affine. Nodes see what comes after it.
        units: by the name of a weight constant of a quantised model: what 1 of its integers is worth, float64, one for
            all rows or one a row of a folded weight; before folding it broadcasts over the weight.
        ranges: by tensor, (lowest, highest) as a quantised model states it, until calibrating.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    constants: Mapping[str, Array]
    codebooks: Mapping[str, Codebook] = field(default_factory=dict)
    blocks: Mapping[str, Blocks] = field(default_factory=dict, kw_only=True)
    host: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    affines: Mapping[str, Affine] = field(default_factory=dict)
    units: Mapping[str, Array] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frozen = {}
        for name, value in self.constants.items():
            view = np.asarray(value).view()
            view.flags.writeable = False
            frozen[name] = view
        object.__setattr__(self, "constants", MappingProxyType(frozen))
        object.__setattr__(self, "tensors", MappingProxyType(dict(self.tensors)))
        object.__setattr__(self, "codebooks", MappingProxyType(dict(self.codebooks)))
        object.__setattr__(self, "blocks", MappingProxyType(dict(self.blocks)))
        object.__setattr__(self, "affines", MappingProxyType(dict(self.affines)))
        object.__setattr__(self, "units", MappingProxyType(dict(self.units)))
        object.__setattr__(self, "ranges", MappingProxyType(dict(self.ranges)))

    def with_(self, **changes: Any) -> "Graph":
        """A copy with some attributes replaced."""
        return replace(self, **changes)

    def with_constants(self, changes: Mapping[str, Array]) -> "Graph":
        """A copy with some constants replaced."""
        return replace(self, constants={**self.constants, **changes})

    def layers(self) -> Iterator[Node]:
        """The nodes that own weights, in order: the second input is the weight, a third the bias.

        CODED of a quantised graph, which may have others that the host runs; LAYERS of a folded one; of several that
        read one table the first.
        """
        tables = set[str]()
        kinds = CODED if any(node.op in CODED for node in self.nodes) else LAYERS
        for node in self.nodes:
            if node.op == "Embedding" and node.inputs[1] in tables:
                continue
            if node.op == "Embedding":
                tables.add(node.inputs[1])
            if node.op in kinds and not (node.op in HOSTED and self._integer(node)):
                yield node

    def _integer(self, node: Node) -> bool:
        """Whether what a node makes is in integers: it has a format, and codebooks are of the graph no more."""
        return self.tensors[node.outputs[0]].fmt is not None and not self.codebooks

    def bias_of(self, layer: Node) -> str:
        """The name of a folded layer's bias; "" where it has none."""
        return layer.inputs[2] if len(layer.inputs) > 2 else ""
