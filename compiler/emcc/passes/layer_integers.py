"""A layer's weights and biases as integers: what quantising makes of a codebook, its scales and a bias."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from emcc.ir.graph import Array, Codebook, Format
from emcc.ops.fixed import MULTIPLIER_W, accumulator_bound, row_sums

WEIGHT = Format(16, 0)
ACC_LIMIT = 1 << 47
MAX_SHIFT = 46
_PRODUCTS = 62
"""Bits of an accumulator times a multiplier."""


@dataclass(frozen=True)
class Scaled:
    """A layer's numbers as integers. Attributes as in QLinear."""

    codebook: Array | None
    bias: Array
    weight_frac: int
    z_frac: int
    multiplier: Array | None = None
    codes: Array | None = None

    def shift(self, in_frac: int) -> int:
        """The requantising shift."""
        return in_frac + self.weight_frac - self.z_frac


def finest_weight_frac(values: Array) -> int | None:
    """The most fraction bits with which every value fits 16 bits; None where all are zero."""
    if not values.any():
        return None
    frac = 15 - int(np.frexp(np.abs(values).max())[1])
    while _fits(values, frac + 1):
        frac += 1
    while not _fits(values, frac):
        frac -= 1
    return frac


def _fits(values: Array, frac: int) -> bool:
    scaled = np.floor(np.ldexp(values, frac) + 0.5)
    return bool(scaled.min() >= WEIGHT.low and scaled.max() <= WEIGHT.high)


def of_16_bits(weights: Array) -> Codebook:
    """Weights, each the nearest number of 16 bits with one power of two for all: the code is the weight."""
    floats = weights.astype(np.float64)
    frac = finest_weight_frac(floats) or 0
    codes = np.floor(np.ldexp(floats, frac) + 0.5).astype(np.int16)
    return Codebook(np.zeros(0), codes, 16, np.array([2.0**-frac]))


def scale_layer(book: Codebook, bias: Array, x: Format, in_low: int, z: Format) -> Scaled:
    """Integers for a layer: as many weight fraction bits as fit, with the accumulator proven below 2**47.

    `in_low` is the smallest input integer. z loses fraction bits where the product has fewer (shift is never
    negative). Raises OverflowError where no scale fits.
    """
    if book.scale is None and not book.identity:
        return _looked_up(book, bias, x, in_low, z)
    power = _power(book)
    return _multiplied(book, bias, x, in_low, z) if power is None else _whole(book, power, bias, x, in_low, z)


def _scaled(
    bias: Array,
    fracs: Iterable[int],
    x: Format,
    z: Format,
    limit: int = ACC_LIMIT,
    multiplier: Callable[[int], Array] = lambda weight_frac: np.ones(1),
) -> Iterator[tuple[int, int, int, Array]]:
    """Yield (weight_frac, z_frac, shift, the bias in units of the sums) where shift and bias are within limits."""
    for weight_frac in fracs:
        z_frac = min(z.frac_bits, x.frac_bits + weight_frac)
        shift = x.frac_bits + weight_frac - z_frac
        scaled = np.floor(np.ldexp(bias, x.frac_bits + weight_frac) / multiplier(weight_frac) + 0.5)
        if shift <= MAX_SHIFT and not np.abs(scaled).max(initial=0.0) >= limit:
            yield weight_frac, z_frac, shift, scaled.astype(np.int64)


def _looked_up(book: Codebook, bias: Array, x: Format, in_low: int, z: Format) -> Scaled:
    """Entries of a codebook, rounded."""
    sums = row_sums(book.codes.reshape(len(book.codes), -1), 1 << book.code_w)
    finest = finest_weight_frac(book.values)
    # Without weights only the bias has a scale: 15 bits finer than the output's.
    frac = z.frac_bits - x.frac_bits + 15 if finest is None else finest
    values = np.zeros(1 << book.code_w)
    values[: book.values.size] = book.values
    for weight_frac, z_frac, shift, integers in _scaled(bias, range(frac, frac - 4096, -1), x, z):
        codebook = np.floor(np.ldexp(values, weight_frac) + 0.5).astype(np.int64)
        if accumulator_bound(sums(codebook), integers, in_low, x.high, shift) < ACC_LIMIT:
            return Scaled(codebook, integers, weight_frac, z_frac)
    raise OverflowError


def _power(book: Codebook) -> int | None:
    """The fraction bits of weights that are integers times one power of two; None where they are not."""
    scale = np.ones(1) if book.scale is None else book.scale
    mantissa, exponent = np.frexp(scale[0])
    return 1 - int(exponent) if mantissa == 0.5 and (scale == scale[0]).all() else None


def _entries(book: Codebook) -> Array | None:
    """int64 [2**code_w]: a codebook of integers; None where the code is the weight."""
    if book.identity:
        return None
    entries = np.zeros(1 << book.code_w, np.int64)
    entries[: book.values.size] = np.rint(book.values).astype(np.int64)
    return entries


def _sums(book: Codebook) -> Array:
    """int64 [rows]: the sum of the absolute integers of each row."""
    by_row = replace(book, scale=None).weights().reshape(len(book.codes), -1)
    return np.asarray(np.abs(by_row).sum(axis=1).astype(np.int64))


def _whole(book: Codebook, frac: int, bias: Array, x: Format, in_low: int, z: Format) -> Scaled:
    """Integers times one power of two: no multiplier. Those of 16 bits lose bits where sums would not fit."""
    exact, least = book, frac - 15 if book.identity and book.code_w == 16 else frac
    if not book.weights().any():
        # Without weights only the bias has a scale, and the weights' may be any.
        frac = least = z.frac_bits - x.frac_bits + 15
        least -= 4096
    for weight_frac, z_frac, shift, integers in _scaled(bias, range(frac, least - 1, -1), x, z):
        if book.identity and weight_frac < frac:
            rounded = np.floor(np.ldexp(book.codes.astype(np.float64), weight_frac - frac) + 0.5)
            exact = replace(book, codes=rounded.astype(book.codes.dtype))
        if accumulator_bound(_sums(exact), integers, in_low, x.high, shift) < ACC_LIMIT:
            return Scaled(_entries(book), integers, weight_frac, z_frac, codes=exact.codes)
    raise OverflowError


def _multiplied(book: Codebook, bias: Array, x: Format, in_low: int, z: Format) -> Scaled:
    """Integers times a scale a row, which becomes a multiplier of 16 bits: the largest has all of them.

    A row's weight is then code * multiplier * 2**-weight_frac, and its bias is in units of that.
    """
    assert book.scale is not None
    sums, scale = _sums(book), np.broadcast_to(book.scale, len(book.codes)).copy()
    used = np.abs(scale[sums > 0])
    top = float(used.max()) if used.any() else 1.0
    # What has no weights, or weights of nothing, takes a multiplier for its bias alone.
    scale[(sums == 0) | (scale == 0)] = top
    frac = MULTIPLIER_W - 1 - int(np.frexp(top)[1])
    if np.rint(np.ldexp(top, frac)) >= 1 << MULTIPLIER_W - 1:
        frac -= 1
    limit = min(ACC_LIMIT, 1 << _PRODUCTS - MULTIPLIER_W - 1)

    def multiplier(weight_frac: int) -> Array:
        return np.asarray(np.maximum(np.rint(np.ldexp(np.abs(scale), weight_frac)), 1) * np.sign(scale))

    fracs = range(frac, frac - MULTIPLIER_W, -1)
    for weight_frac, z_frac, shift, integers in _scaled(bias, fracs, x, z, limit, multiplier):
        if accumulator_bound(sums, integers, in_low, x.high, shift) < limit:
            by = multiplier(weight_frac).astype(np.int64)
            return Scaled(_entries(book), integers, weight_frac, z_frac, by, book.codes)
    raise OverflowError
