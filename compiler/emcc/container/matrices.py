"""A layer's matrix of codes, by the coder that was chosen for it; and many of them side by side."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from emcc.container import ranged, runs
from emcc.container.bits import FormatError
from emcc.ir.graph import Array

CODINGS = ("auto", "huffman", "range")
# Binary decisions up to which "auto" tries the range coder (some 10 million a second), and elements up to which it
# tries geometries that nothing speaks for.
AUTO_LIMIT = 1 << 21
_GUESSING_LIMIT = 1 << 18
# Elements below which threads would only wait for each other.
_ALONE = 1 << 15
_SMALL, _KEPT = 1 << 14, 512
"""Elements of a matrix whose bytes are kept, and how many matrices'."""

T = TypeVar("T")


@dataclass(frozen=True)
class Matrix:
    """Codes, uint8 [rows, columns], and what they took. scanned: if Huffman coded; spent: if range coded.

    Of weights of 16 bits (`wide`): int16, what was coded being their classes; below: bytes of the bits beside these.
    """

    codes: Array
    bytes: int
    scanned: runs.Plan | None = None
    spent: ranged.Spent | None = None
    below: int = 0


def write(
    codes: Array, codebook: Array, code_w: int, expected: tuple[int, int], rows_before: int, coding: str
) -> bytes:
    """The bytes of a matrix.

    Args:
        codes: uint8 [rows, columns]. codebook: int64 [2**code_w], 16 bits each.
        expected: (height, width) of the image or kernel that a channel's columns are, as the reader will know it.
        rows_before: of the layer before, or 0; its outputs may be the channels of this one.
        coding: "huffman", "range", or "auto" for what is smaller, without trying "range" where that would take more
            than AUTO_LIMIT decisions. What is too large for the range coder's counters is always Huffman coded.
    """
    if codes.size <= _SMALL:
        contents = (codes.tobytes(), codes.dtype.str, codes.shape), (codebook.tobytes(), codebook.dtype.str)
        return _kept(*contents, code_w, expected, rows_before, coding)
    return _shortest(codes, codebook, code_w, expected, rows_before, coding)


@lru_cache(_KEPT)
def _kept(codes: tuple[bytes, str, tuple[int, int]], codebook: tuple[bytes, str], *rest: Any) -> bytes:
    """`write`, of what a search asks for again and again."""
    return _shortest(np.frombuffer(*codes[:2]).reshape(codes[2]), np.frombuffer(*codebook), *rest)


def _shortest(
    codes: Array, codebook: Array, code_w: int, expected: tuple[int, int], rows_before: int, coding: str
) -> bytes:
    plan = None if coding == "range" else runs.plan(codes, code_w)
    decisions = codes.size + int(plan.codes[1:].sum()) * (code_w + 1) if plan else 0
    if coding != "huffman" and decisions <= AUTO_LIMIT and ranged.fits(*codes.shape):
        limit = plan.size - 1 if plan else None
        shorter = _ranged(codes, codebook, expected, rows_before, limit)
        if shorter:
            return shorter
    return runs.write(codes, plan or runs.plan(codes, code_w))


def read(data: bytes, rows: int, columns: int, codebook: Array, expected: tuple[int, int]) -> Matrix:
    """The inverse of `write`; FormatError for anything else."""
    if not data:
        raise FormatError("its matrix is missing")
    if data[0] & ranged.RANGED:
        codes, spent = ranged.read(data, rows, columns, codebook, expected)
        return Matrix(codes, len(data), spent=spent)
    codes, scanned = runs.read(data, rows, columns, (len(codebook) - 1).bit_length())
    return Matrix(codes, len(data), scanned=scanned)


def side_by_side(count: int, job: Callable[[int], T], elements: int) -> list[T]:
    """job(i) for each i, several at a time where they have many elements between them. The first error is raised."""
    if elements < _ALONE:
        return [job(at) for at in range(count)]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(job, range(count)))


def _ranged(
    codes: Array, codebook: Array, expected: tuple[int, int], rows_before: int, limit: int | None
) -> bytes | None:
    """The shortest of the geometries that come into question; None if none is within `limit`."""
    best = None
    for geometry in _geometries(codes, expected, rows_before):
        coded = ranged.write(codes, codebook, geometry, expected, limit)
        if coded is not None:
            best, limit = coded, len(coded) - 1
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
