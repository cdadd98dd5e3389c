"""Codebooks in their normal form."""

from collections.abc import Iterator

import numpy as np

from emcc.ir.graph import Array, Codebook

CHUNK = 1 << 18

CODE_WIDTHS = (1, 2, 4, 8)
"""Bits of codes that are looked up."""

IDENTITY_WIDTHS = (8, 16)
"""Bits of codes that are the weights, two's complement: there is no codebook."""


def canonical(values: Array, codes: Array, code_w: int) -> Codebook:
    """The same weights with entry 0 first and the rest ascending; equal entries merged, unused ones dropped.

    Values are rounded to float32. Entry 0 is 0.0, unless there is no zero weight and no room for a zero.
    """
    rounded = values.astype(np.float32).astype(np.float64) + 0.0
    used = np.zeros(256, bool)
    for chunk in chunks(codes):
        used[chunk] = True
    used = used[: values.size]
    kept = np.unique(rounded[used])
    if 0.0 in kept or kept.size < 2**code_w:
        kept = np.concatenate([[0.0], kept[kept != 0]])
    position = {value: index for index, value in enumerate(kept)}
    renumber = np.array([position.get(value, 0) for value in rounded], np.uint8)
    codes = codes.astype(np.uint8, copy=False)
    if (renumber[used] != np.flatnonzero(used)).any():
        codes = looked_up(renumber, codes)
    return Codebook(kept, codes, code_w)


def raw(codes: Array) -> Array:
    """Codes as the array stores them: those that are weights, int8 or int16, as uint8 or uint16; others as they are."""
    return codes.view(f"u{codes.dtype.name}") if codes.dtype.kind == "i" else codes


def code_width(codes: Array, own: bool) -> int:
    """The bits of stored codes: the fewest that hold all, or, where the code is the weight, those of their type."""
    return 8 * codes.dtype.itemsize if own else next(width for width in CODE_WIDTHS if not int(codes.max()) >> width)


def looked_up_in(codes: Array, codebook: Array | None) -> Array:
    """int64: the weights of stored codes, uint8 or uint16; without a codebook the code is the weight."""
    if codebook is not None:
        return np.asarray(codebook[codes])
    return codes.view(f"i{codes.dtype.itemsize}").astype(np.int64)


def chunks(array: Array) -> Iterator[Array]:
    """The elements in order, in pieces that a cache holds."""
    flat = array.reshape(-1)
    return (flat[begin : begin + CHUNK] for begin in range(0, flat.size, CHUNK))


def looked_up(table: Array, codes: Array) -> Array:
    """table[codes], without an index array of 64 bits an element."""
    result = np.empty(codes.shape, table.dtype)
    for into, chunk in zip(chunks(result), chunks(codes), strict=True):
        np.take(table, chunk, out=into)
    return result
