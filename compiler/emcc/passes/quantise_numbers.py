"""What a node's sums are as integers: scales of weights, biases, and what requantising shifts by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.ir.graph import Array, Codebook, Format, Node
from emcc.ops.fixed import bound_of_counts, code_counts

WEIGHT = Format(16, 0)
ACC_LIMIT = 1 << 47
MAX_SHIFT = 46


@dataclass(frozen=True)
class Scaled:
    """A layer's numbers as integers. Attributes as in QLinear."""

    codebook: Array
    bias: Array
    weight_frac: int
    z_frac: int

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


def scale_layer(book: Codebook, bias: Array, x: Format, in_low: int, z: Format) -> Scaled:
    """Integers for a layer: as many weight fraction bits as fit, with the accumulator proven below 2**47.

    `in_low` is the smallest input integer. z loses fraction bits where the product has fewer (shift is never
    negative). Raises OverflowError where no scale fits.
    """
    counts = code_counts(book.codes.reshape(len(book.codes), -1), 1 << book.code_w)
    finest = finest_weight_frac(book.values)
    # Without weights only the bias has a scale: 15 bits finer than the output's.
    frac = z.frac_bits - x.frac_bits + 15 if finest is None else finest
    values = np.zeros(1 << book.code_w)
    values[: book.values.size] = book.values
    for weight_frac in range(frac, frac - 4096, -1):
        z_frac = min(z.frac_bits, x.frac_bits + weight_frac)
        shift = x.frac_bits + weight_frac - z_frac
        scaled_bias = np.floor(np.ldexp(bias, x.frac_bits + weight_frac) + 0.5)
        if shift > MAX_SHIFT or np.abs(scaled_bias).max(initial=0.0) >= ACC_LIMIT:
            continue
        codebook = np.floor(np.ldexp(values, weight_frac) + 0.5).astype(np.int64)
        integers = scaled_bias.astype(np.int64)
        if bound_of_counts(counts, codebook, integers, in_low, x.high, shift) < ACC_LIMIT:
            return Scaled(codebook, integers, weight_frac, z_frac)
    raise OverflowError


@dataclass(frozen=True)
class Sums:
    """A quantised node before its function.

    Attributes:
        op, inputs, attrs: of the node, but for what STEP says of its function.
        arrays: its constants by role: codes, codebook, bias.
        z: the format of what requantising gives; shift: its shift.
    """

    op: str
    inputs: tuple[str, ...]
    attrs: Mapping[str, Any]
    arrays: Mapping[str, Array]
    z: Format
    shift: int


def no_scale(node: Node) -> EmccError:
    """The error for a node whose numbers fit no scale."""
    return EmccError(
        "its weights and biases have no common fixed-point scale", node=node.name, hint="train it again, or rescale it"
    )
