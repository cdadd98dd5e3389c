"""A channel times its scale plus its offset, as a depthwise convolution of one tap."""

from dataclasses import replace
from typing import Any

import numpy as np

from emcc.ir.codebook import CODE_WIDTHS
from emcc.ir.graph import Array, Codebook, Format, Node
from emcc.passes.channelwise import Channels
from emcc.passes.layer_integers import MAX_SHIFT, finest_weight_frac, scale_layer
from emcc.passes.quantise_numbers import Sums, no_scale

FINE = 14
"""Bits that a channel times a multiplier is finer than its input."""

LARGEST = 1 << 40
"""Of a bias in front of a multiplier."""


def by_channel(node: Node, name: str, x: Format, low: int | None, channels: Channels, z: Format) -> Sums:
    """The sums of a node that reads `name`, of format x and no integer below `low`.

    Weights are the scales, or, where these are more than a codebook holds, a power of two times a multiplier a channel.
    """
    scale, offset = channels
    window = {"strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), "group": len(scale)}
    values = np.unique(scale)
    order = np.concatenate([[0.0], values[values != 0]])
    if order.size > 1 << CODE_WIDTHS[-1]:
        return _multiplied(node, name, x, channels, z, window)
    codes = np.where(scale == 0, 0, 1 + np.searchsorted(order[1:], scale)).astype(np.uint8)
    code_w = next(width for width in CODE_WIDTHS if order.size <= 1 << width)
    book = Codebook(order, codes.reshape(-1, 1, 1, 1), code_w)
    try:
        scaled = scale_layer(book, offset, x, x.low if low is None else low, z)
    except OverflowError:
        raise no_scale(node) from None
    attrs = {"code_w": code_w, "weight_frac": scaled.weight_frac, **window}
    arrays: dict[str, Array | None] = {"codes": book.codes, "codebook": scaled.codebook, "bias": scaled.bias}
    z = replace(z, frac_bits=scaled.z_frac)
    return Sums("QConv", (name,), attrs, arrays, z, scaled.shift(x.frac_bits))


def _multiplied(node: Node, name: str, x: Format, channels: Channels, z: Format, window: dict[str, Any]) -> Sums:
    """(x 2**k + bias) times a multiplier a channel; a channel of scale 0 has weight 0."""
    scale, offset = channels
    frac = finest_weight_frac(scale)
    assert frac is not None
    multiplier = np.floor(np.ldexp(scale, frac) + 0.5).astype(np.int64)
    live = multiplier != 0
    multiplier = np.where(live, multiplier, 1)
    for k in range(FINE, -1, -1):
        z = replace(z, frac_bits=min(z.frac_bits, x.frac_bits + k + frac))
        shift = x.frac_bits + k + frac - z.frac_bits
        exact: Array = np.ldexp(offset, x.frac_bits + k + frac) / multiplier
        if shift <= MAX_SHIFT and np.abs(exact).max() < LARGEST:
            attrs = {"code_w": 1, "weight_frac": k + frac, **window}
            codes, book = live.astype(np.uint8).reshape(-1, 1, 1, 1), np.array([0, 1 << k])
            arrays: dict[str, Array | None] = {"codes": codes, "codebook": book}
            arrays |= {"bias": np.floor(exact + 0.5).astype(np.int64), "multiplier": multiplier}
            return Sums("QConv", (name,), attrs, arrays, z, shift)
    raise no_scale(node)
