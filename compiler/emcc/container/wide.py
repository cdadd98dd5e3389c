"""A matrix of weights of 16 bits, coded by their size: how many bits each has, as a matrix; then these.

A weight w is folded, 2w for w >= 0 and -2w - 1 below; its class is the number of bits of that, 0 for 0. Stored: uint
bytes of the matrix of classes, that matrix, the bits of each folded weight below its highest one, row by row, filled up
to a byte.
"""

from dataclasses import replace

import numpy as np

from emcc.container import matrices
from emcc.container.bits import FormatError, pack, read_uint, uint, unpack
from emcc.container.matrices import Matrix
from emcc.ir.graph import Array

_CLASS_W, _BITS = 8, 16
_SIZES = np.arange(1 << _CLASS_W)
"""int64 [256]: classes by themselves, for the range coder."""


def write(codes: Array, expected: tuple[int, int], rows_before: int, coding: str) -> bytes:
    """The bytes of int16 `codes` [rows, columns]; the rest as in `matrices.write`."""
    folded, classes = _folded(codes), classes_of(codes)
    matrix = matrices.write(classes, _SIZES, _CLASS_W, expected, rows_before, coding)
    below = np.maximum(classes.astype(np.int64) - 1, 0)
    return uint(len(matrix)) + matrix + pack(folded.view(np.uint64).reshape(-1), below.reshape(-1))


def classes_of(codes: Array) -> Array:
    """uint8: the classes of int16 codes."""
    return np.asarray(np.frexp(_folded(codes).astype(np.float64))[1].astype(np.uint8))


def _folded(codes: Array) -> Array:
    wide = codes.astype(np.int64)
    return np.asarray((wide << 1) ^ (wide >> 63))


def read(data: bytes, rows: int, columns: int, expected: tuple[int, int]) -> Matrix:
    """The inverse: a Matrix of int16 codes. FormatError for anything else."""
    size, at = read_uint(data, 0)
    if size > len(data) - at:
        raise FormatError("ends within the classes")
    matrix = matrices.read(data[at : at + size], rows, columns, _SIZES, expected)
    classes = matrix.codes.reshape(-1).astype(np.int64)
    if classes.max(initial=0) > _BITS:
        raise FormatError(f"weights of more than {_BITS} bits")
    rest = data[at + size :]
    folded = unpack(rest, np.maximum(classes - 1, 0))
    folded |= np.where(classes > 0, np.uint64(1) << np.maximum(classes - 1, 0).astype(np.uint64), np.uint64(0))
    codes = (folded >> np.uint64(1)).view(np.int64) ^ -(folded & np.uint64(1)).view(np.int64)
    return replace(matrix, codes=codes.astype(np.int16).reshape(rows, columns), bytes=len(data), below=len(rest))
