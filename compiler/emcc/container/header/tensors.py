"""Rows of tensors, and of the scales at the ends."""

from collections.abc import Mapping
from typing import Any

from emcc.container.arrays import DTYPES
from emcc.container.bits import FormatError
from emcc.container.header.doors import as_int, as_text, as_tuple, dimensions
from emcc.container.header.values import FRAC, LARGEST, WIDEST, Header, Scales
from emcc.ir.graph import Format, Tensor
from emcc.ir.norms import NORMS


def tensor_rows(head: Header) -> list[list[Any]]:
    """Shape, fraction bits, width, dtype; what is as in the row before is left out at the end."""
    rows: list[list[Any]] = []
    before: list[Any] = [[], None, 16, 0]
    for tensor in head.tensors.values():
        fmt = tensor.fmt
        width, frac = (fmt.width, fmt.frac_bits) if fmt else (before[2], None)
        row = [list(tensor.shape), frac, width, DTYPES.index(tensor.dtype)]
        same = next(i for i in range(4, -1, -1) if not i or row[i - 1] != before[i - 1])
        rows.append(row[:same])
        before = row
    return rows


def read_tensors(rows: tuple[Any, ...], names: list[str]) -> dict[str, Tensor]:
    """The inverse of `tensor_rows`, by name; a row takes what it leaves out from the one before."""
    tensors, before = {}, ((), None, 16, 0)
    for name, own in zip(names[1:], rows, strict=False):
        if len(as_tuple(own)) > 4:
            raise FormatError("a tensor of no known kind")
        row = (*own, *before[len(own) :])
        shape = tuple(None if size is None else as_int(size, LARGEST) for size in dimensions(row[0]))
        fmt = None if row[1] is None else Format(as_int(row[2], WIDEST, 1), as_int(row[1], FRAC, -FRAC))
        tensors[name] = Tensor(name, shape, DTYPES[as_int(row[3], len(DTYPES) - 1)], fmt)
        before = row
    return tensors


def read_affines(rows: tuple[Any, ...], ends: Mapping[int, Tensor], inputs: set[int]) -> dict[str, Scales]:
    """By tensor, one of `ends`, the numbers of scales and of offsets: 1 or as many as elements; of inputs a norm."""
    affines: dict[str, Scales] = {}
    for row in rows:
        number, *sizes = as_tuple(row, at_least=3)[:3]
        norm = "".join(map(as_text, row[3:]))
        if len(row) > 3 and (len(row) > 4 or norm not in NORMS or number not in inputs):
            raise FormatError("a norm of no known kind, or of no input")
        tensor = ends.get(as_int(number, LARGEST, 1))
        if tensor is None:
            raise FormatError("scales of what is no input and no output")
        scales, offsets = (as_int(size, LARGEST, 1) for size in sizes)
        if tensor.name in affines or not {scales, offsets} <= {1, tensor.features}:
            raise FormatError(f"{scales} scales and {offsets} offsets of a tensor of {tensor.features} elements")
        affines[tensor.name] = scales, offsets, norm
    return affines
