"""A layer's section of a model.emc: its codebook and bias, then its matrix by the coder that was chosen for it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emcc.container import ints, ranged, runs
from emcc.container.bits import FormatError
from emcc.container.varint import read_uint, uint
from emcc.ir.graph import Array, Tensor

CODINGS = ("auto", "huffman", "range")
# Binary decisions up to which "auto" tries the range coder (about 10 million a second), and elements up to which it
# tries geometries that nothing speaks for.
AUTO_LIMIT = 1 << 22
_GUESSING_LIMIT = 1 << 18

Counter = Callable[[], Array]


@dataclass(frozen=True)
class Layer:
    """What a section holds, and what it took. scanned: if Huffman coded; spent: if range coded."""

    codes: Array
    codebook: Array
    bias: Array
    codebook_bytes: int
    bias_bytes: int
    matrix_bytes: int
    scanned: runs.Plan | None = None
    spent: ranged.Spent | None = None


def write(
    codes: Array, codebook: Array, bias: Array, code_w: int, x: Tensor, rows_before: int, ones_before: Counter,
    coding: str,
) -> bytes:  # fmt: skip
    """The section.

    Args:
        codes: uint8 [rows, columns]. codebook: int64 [2**code_w], 16 bits each. bias: int64 [rows].
        x: the layer's input.
        rows_before: of the layer before, or 0. ones_before: non-zero codes in each of its rows.
        coding: "huffman", "range", or "auto" for what is smaller, without trying "range" where that would take more
            than AUTO_LIMIT decisions. What is too large for the range coder's counters is always Huffman coded.
    """
    values = write_codebook(codebook) + ints.write(bias)
    plan = None if coding == "range" else runs.plan(codes, code_w)
    decisions = codes.size + int(plan.codes[1:].sum()) * (code_w + 1) if plan else 0
    if coding != "huffman" and decisions <= AUTO_LIMIT and ranged.fits(*codes.shape):
        shorter = _ranged(codes, codebook, x, rows_before, ones_before, plan.size - 1 if plan else None)
        if shorter:
            return values + shorter
    return values + runs.write(codes, plan or runs.plan(codes, code_w))


def read(data: bytes, rows: int, columns: int, code_w: int, x: Tensor, ones_before: Counter) -> Layer:
    """The inverse of `write`; FormatError for anything else."""
    codebook, bias, at, end = read_values(data, code_w, rows)
    matrix = data[end:]
    sizes = at, end - at, len(matrix)
    if not matrix:
        raise FormatError("its matrix is missing")
    if matrix[0] & ranged.RANGED:
        before = ones_before() if ranged.needs_producers(matrix) else None
        codes, spent = ranged.read(matrix, rows, columns, codebook, geometry_of(x, columns), before)
        return Layer(codes, codebook, bias, *sizes, spent=spent)
    codes, scanned = runs.read(matrix, rows, columns, code_w)
    return Layer(codes, codebook, bias, *sizes, scanned=scanned)


def write_codebook(codebook: Array) -> bytes:
    """uint 2 n + has a first entry, the first entry as an array of one unless it is 0, the next n; the others are 0."""
    used = np.flatnonzero(codebook[1:])
    count = int(used[-1]) + 1 if len(used) else 0
    first = codebook[:1] if codebook[0] else codebook[:0]
    return uint(2 * count + len(first)) + ints.write(first) + ints.write(codebook[1 : 1 + count])


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


def _ranged(
    codes: Array, codebook: Array, x: Tensor, rows_before: int, ones_before: Counter, limit: int | None
) -> bytes | None:
    """The shortest of the geometries that come into question; None if none is within `limit`."""
    best, expected = None, geometry_of(x, codes.shape[1])
    for geometry in _geometries(codes, expected, rows_before):
        before = ones_before() if rows_before * geometry[0] * geometry[1] == codes.shape[1] else None
        found = ranged.write(codes, codebook, geometry, expected, before, limit)
        if found is not None:
            best, limit = found, len(found) - 1
    return best


def _geometries(codes: Array, expected: tuple[int, int], rows_before: int) -> list[tuple[int, int]]:
    """(height, width): the expected one, a square for each row before, kernels and images that would fit."""
    columns = codes.shape[1]
    areas = [columns // rows_before] if rows_before and columns % rows_before == 0 else []
    if codes.size <= _GUESSING_LIMIT and expected == (1, 1):
        areas += [area for area in (columns, 9, 25, 49) if columns % area == 0]
    sides = [int(area**0.5 + 0.5) for area in areas]
    squares = [(side, side) for side, area in zip(sides, areas, strict=True) if side * side == area]
    return list(dict.fromkeys([expected, *squares]))
