"""What a header holds, as values, and the numbers that the format has for kinds and limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from emcc.ir.codebook import CODE_WIDTHS
from emcc.ir.graph import Node, Tensor

CODED = 8
"""The kind of a constant: below it an array's dtype, from it on the log2 of a code width."""

WIDTHS = (*CODE_WIDTHS, 16)
"""Bits of a code; with 16 the code is the weight."""

BLOCKS = CODED + len(WIDTHS)
"""The kind of product-quantised weights, of version 6."""

WIDEST, FRAC, LARGEST, DEEPEST = 64, 1 << 14, 1 << 31, 8
"""The most of a format's width and fraction bits, of a dimension, and of tuples in an attribute."""

LONGEST, LETTERS = 1 << 22, 1 << 24
"""Bytes of a header, and letters of all constants' names."""

MOST_DIMENSIONS = 32
"""Of a shape; NumPy has no more everywhere."""

Scales = tuple[int, int, str]
"""How many scales and offsets an input or output has, and the norm that its samples are divided by, or ""."""


@dataclass(frozen=True)
class Constant:
    """One constant.

    Attributes:
        dtype, shape: of the array; of codes looked up in another constant, uint8, of codes that are the weights, int8
            or int16; of weights, float32.
        code_w: bits a code, where it is coded; else 0.
        codebook: where it is coded, the constant that holds the codebook, itself if its codes are the weights; -1 where
            it has one of its own.
        blocks: of product-quantised weights, the weights of a block, sub-vectors of a codebook, and codebooks; else ().
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    code_w: int = 0
    codebook: int = -1
    blocks: tuple[int, ...] = ()

    @property
    def identity(self) -> bool:
        """Whether its codes are the weights."""
        return self.code_w > 0 and self.dtype.startswith("int")

    @property
    def size(self) -> int:
        """Elements, with no overflow."""
        return prod(self.shape)

    @property
    def columns(self) -> int:
        """Of its matrix of codes."""
        return self.size // max(self.shape[0], 1) // (self.blocks[0] if self.blocks else 1)


@dataclass(frozen=True)
class Header:
    """A graph without its numbers.

    tensors: inputs, then in the order of the nodes; constants: in that of their use; affines: by tensor, the numbers of
    scales and of offsets, and the norm or "".
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    constants: tuple[Constant, ...]
    nodes: tuple[Node, ...]
    host: tuple[tuple[str, Mapping[str, Any]], ...]
    affines: Mapping[str, Scales]

    @property
    def layers(self) -> tuple[Constant, ...]:
        """The constants that are coded."""
        return tuple(constant for constant in self.constants if constant.code_w)

    @property
    def arrays(self) -> tuple[Constant, ...]:
        """The constants that are stored as arrays."""
        return tuple(constant for constant in self.constants if not constant.code_w)
