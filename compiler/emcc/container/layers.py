"""What a section of a layer holds beside its matrix, and what it all took."""

from dataclasses import dataclass

import numpy as np

from emcc.container import ints
from emcc.container.bits import FormatError
from emcc.container.matrices import Matrix
from emcc.container.varint import read_uint, uint
from emcc.ir.graph import Array, Tensor


@dataclass(frozen=True)
class Layer:
    """One layer as it was read.

    codebook: int64 [2**code_w], or float64 of a graph that is not quantised. bias: int64, or none.
    """

    name: str
    code_w: int
    codebook: Array
    bias: Array | None
    matrix: Matrix
    codebook_bytes: int
    bias_bytes: int


def write_codebook(codebook: Array, *, plain: bool) -> bytes:
    """uint 2 n + has a first entry, the first entry as an array of one unless it is 0, the next n; the others are 0."""
    used = np.flatnonzero(codebook[1:])
    count = int(used[-1]) + 1 if len(used) else 0
    first = codebook[:1] if codebook[0] else codebook[:0]
    rest = ints.write(codebook[1 : 1 + count], plain=plain)
    return uint(2 * count + len(first)) + ints.write(first, plain=plain) + rest


def read_values(data: bytes, code_w: int, rows: int) -> tuple[Array, Array, int, int]:
    """(codebook, bias, the byte after the codebook, the byte after the bias)."""
    mark, at = read_uint(data, 0)
    codebook = np.zeros(1 << code_w, np.int64)
    if mark // 2 >= len(codebook):
        raise FormatError(f"a codebook of {mark // 2 + 1} entries for codes of {code_w} bits")
    codebook[: mark & 1], at = ints.read(data, at, mark & 1)
    codebook[1 : 1 + mark // 2], at = ints.read(data, at, mark // 2)
    bias, end = ints.read(data, at, rows)
    if not is_16_bit(codebook):
        raise FormatError("the codebook has entries beyond 16 bits")
    return codebook, bias, at, end


def is_16_bit(values: Array) -> bool:
    """Whether all are 16-bit signed."""
    return bool(values.min(initial=0) >= -(1 << 15) and values.max(initial=0) < 1 << 15)


def geometry_of(x: Tensor, columns: int) -> tuple[int, int]:
    """(height, width) of the image that a layer's columns are by the shape of its input; (1, 1) if they are none."""
    shape = x.shape[1:]
    if len(shape) == 3 and shape[1] and shape[2] and (shape[0] or 0) * shape[1] * shape[2] == columns:
        return shape[1], shape[2]
    return 1, 1
