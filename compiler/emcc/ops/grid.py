"""Numbers on a grid: QuantizeLinear and DequantizeLinear, and the functions that QONNX rounds activations by.

The grid of a tensor is scale (q - zero_point), q a whole number from low to high; scale and zero_point are tuples of
one number, or of one an element along `axis` (>= 1).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from emcc.ir.graph import Node
from emcc.ops.attributes import Check, integer, integers, number, one_of, positive
from emcc.ops.elementwise import activation
from emcc.ops.operator import Attrs, Operator, Shape
from emcc.ops.shapes import batched


def scales(value: Any) -> bool:
    """A tuple of numbers above 0."""
    return isinstance(value, tuple) and bool(value) and all(number(item) and item > 0 for item in value)


GRID: Mapping[str, Check] = {"axis": positive, "high": integer, "low": integer, "scale": scales, "zero_point": integers}
"""Attributes of a QuantizeLinear and a DequantizeLinear."""

ROUNDINGS: Mapping[str, Callable[[Any, Any], Any]] = {
    "CEIL": lambda xp, x: xp.ceil(x),
    "FLOOR": lambda xp, x: xp.floor(x),
    "ROUND": lambda xp, x: xp.round(x),
    "ROUND_TO_ZERO": lambda xp, x: xp.trunc(x),
}
"""By QONNX's names; ROUND takes halves to the even number."""


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x, which has as many elements along the axis as there are scales."""
    x, attrs = batched(shapes[0]), node.attrs
    sizes = {len(attrs["scale"]), len(attrs["zero_point"])} - {1}
    if sizes and (attrs["axis"] >= len(x) or sizes != {x[attrs["axis"]]}):
        raise ValueError(f"{len(attrs['scale'])} scales along axis {attrs['axis']} of {x}")
    return x


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]: whole numbers of a QuantizeLinear, scale (q - zero_point) of a DequantizeLinear."""
    (x,), attrs = values, node.attrs
    return (quantised if node.op == "QuantizeLinear" else dequantised)(xp, attrs, x)


def quantised(xp: Any, attrs: Attrs, x: Any) -> Any:
    """Whole numbers: round(x / scale) + zero_point, halves to even, saturated."""
    scale, zero_point = (_along(xp, attrs, name, x) for name in ("scale", "zero_point"))
    return xp.clip(xp.round(x / scale) + zero_point, attrs["low"], attrs["high"])


def dequantised(xp: Any, attrs: Attrs, q: Any) -> Any:
    """scale (q - zero_point)."""
    scale, zero_point = (_along(xp, attrs, name, q) for name in ("scale", "zero_point"))
    return (q - zero_point) * scale


def _along(xp: Any, attrs: Attrs, name: str, x: Any) -> Any:
    """A grid's numbers, to be broadcast against x."""
    values = attrs[name]
    if len(values) == 1:
        return float(values[0])
    shaped = np.array(values, np.float64).reshape(-1, *(1,) * (len(x.shape) - attrs["axis"] - 1))
    return shaped if xp is np else xp.as_tensor(shaped, dtype=x.dtype, device=x.device)


def _stairs(xp: Any, attrs: Attrs, x: Any) -> Any:
    """step (q - zero_point), q the whole number nearest to x / scale + zero_point, of few."""
    q = ROUNDINGS[attrs["rounding"]](xp, x / attrs["scale"] + attrs["zero_point"])
    return (xp.clip(q, attrs["low"], attrs["high"]) - attrs["zero_point"]) * attrs["step"]


def _stairs_limits(attrs: Attrs) -> tuple[float, float]:
    low, high = (float((attrs[name] - attrs["zero_point"]) * attrs["step"]) for name in ("low", "high"))
    return low, high


def _bipolar(xp: Any, attrs: Attrs, x: Any) -> Any:
    """step from 0 on, -step below. Where torch asks for a gradient, that of step times the hard tanh: straight through,
    and nothing where x is beyond 1 (Hubara et al., "Binarized neural networks", NIPS 2016, equation 4)."""
    sign = attrs["step"] * (2.0 * (x >= 0) - 1.0)
    if xp is np or not x.requires_grad:
        return sign
    line = attrs["step"] * xp.clip(x, -1, 1)
    return sign + (line - line.detach())


STEPPED: Mapping[str, Operator] = {
    "Bipolar": activation(
        _bipolar, limits=lambda attrs: (-float(attrs["step"]), float(attrs["step"])), step=number,
    ),
    "Stairs": activation(
        _stairs, limits=_stairs_limits, high=integer, low=integer, rounding=one_of(*ROUNDINGS), scale=number,
        step=number, zero_point=integer,
    ),
}  # fmt: skip
"""Functions that jump, run from tables: -step below 0 and step from 0 on; the nearest of few numbers."""
