"""QONNX: Quant, BipolarQuant and Trunc, as Brevitas and QKeras exports have them (Pappalardo et al. 2022).

Constants are rounded; a computed tensor of more than FEW bits goes to integers and back; one of few bits, or that
rounds in another way, goes through a function that jumps (ops.grid).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto

from emcc.frontend.grids import scale_of
from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal, quoted
from emcc.ir.graph import Array
from emcc.ops.grid import ROUNDINGS

DOMAINS = frozenset({"finn.custom_op.general", "onnx.brevitas", "qonnx.custom_op.general"})
FEW, MANY = 4, 16
AGAIN = "export the model again"
_DEFAULTS: Mapping[str, tuple[int, Mapping[str, int | str]]] = {
    "BipolarQuant": (2, {}),
    "Quant": (4, {"narrow": 0, "rounding_mode": "ROUND", "signed": 1}),
    "Trunc": (5, {"rounding_mode": "FLOOR"}),
}
"""By operator: its inputs, its attributes."""


def operator(proto: onnx.NodeProto) -> str:
    """Return the operator's name in `_DEFAULTS`."""
    return "Quant" if proto.op_type == "IntQuant" else str(proto.op_type)


def attributes(proto: onnx.NodeProto) -> Mapping[str, Any]:
    """Return a node's attributes over the defaults; raise Refusal where it is no such node."""
    if operator(proto) not in _DEFAULTS:
        raise Refusal(f"emcc does not know this operator of {quoted(proto.domain)}", "export with standard operators")
    inputs, defaults = _DEFAULTS[operator(proto)]
    if len(proto.input) != inputs or not all(proto.input) or len(proto.output) != 1:
        raise Refusal(f"has {len(proto.input)} inputs, {proto.op_type} has {inputs}", AGAIN)
    given: dict[str, Any] = {}
    for attribute in proto.attribute:
        kind = AttributeProto.STRING if attribute.name == "rounding_mode" else AttributeProto.INT
        if attribute.name not in defaults or attribute.type != kind:
            raise Refusal(f"attribute {quoted(attribute.name)} is not one of {', '.join(defaults) or 'none'}", AGAIN)
        value = onnx.helper.get_attribute_value(attribute)
        given[attribute.name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    result = {**defaults, **given}
    if str(result.get("rounding_mode", "ROUND")).upper() not in ROUNDINGS:
        raise Refusal(f"rounds by {quoted(str(result['rounding_mode']))}", f"emcc knows {', '.join(ROUNDINGS)}")
    return result


def folded(
    proto: onnx.NodeProto, attrs: Mapping[str, Any], values: Sequence[Array | None]
) -> tuple[Array, Array | None]:
    """Return (the rounded constant, float32; its unit)."""
    x, scale, *rest = (np.asarray(value) for value in values)
    if x.dtype.kind != "f" or not x.size or not np.isfinite(x).all():
        raise Refusal(f"its constant {quoted(proto.input[0])} is {x.dtype} {list(x.shape)}, or not finite", AGAIN)
    unit = _scale(proto, scale, x.shape)
    x, single = x.astype(np.float32), unit.astype(np.float32)
    if operator(proto) == "BipolarQuant":
        codes = np.where(x >= 0, 1.0, -1.0)
    elif operator(proto) == "Quant":
        low, high = _ends(attrs, _bits(proto, 3, rest[1]))
        zero = _zero(proto, rest[0], x.shape)
        codes = np.clip(_rounded(attrs, x / single + zero.astype(np.float32)), low, high) - zero
    else:
        first, last = (_bits(proto, at, rest[at - 2]) for at in (3, 4))
        zero = _zero(proto, rest[0], x.shape)
        codes = _rounded(attrs, np.round(x / single + zero.astype(np.float32)) / 2.0 ** (first - last)) - zero
    return codes.astype(np.float32) * single, unit


def quant(node: Operands) -> Made:
    """Whole numbers of a few bits, times a scale."""
    rank = len(node.shape(bare=True))
    scale, zero = _scale(node.proto, node.constant(1), None), _zero(node.proto, node.constant(2), None)
    bits = _bits(node.proto, 3, node.constant(3))
    low, high = _ends(node.attrs, bits)
    mode = str(node.attrs["rounding_mode"]).upper()
    if scale.size == 1 and (bits <= FEW or mode != "ROUND"):
        return _stairs(node, float(scale.flat[0]), float(scale.flat[0]), int(zero.flat[0]), low, high, mode)
    attrs = {"high": high, "low": low, **_along(node, scale, zero, rank)}
    return "DequantizeLinear", (node.put("QuantizeLinear", (node.proto.input[0],), attrs),), attrs


def bipolar(node: Operands) -> Made:
    """The scale where x is 0 or above, minus the scale elsewhere."""
    node.shape(bare=True)
    scale = _scale(node.proto, node.constant(1), None)
    if scale.size != 1:
        raise Refusal("its computed input has several scales", "give it one")
    return "Bipolar", (node.proto.input[0],), {"step": float(scale.flat[0])}


def trunc(node: Operands) -> Made:
    """The upper bits of whole numbers."""
    node.shape(bare=True)
    scale, zero = _scale(node.proto, node.constant(1), None), _zero(node.proto, node.constant(2), None)
    first, last = (_bits(node.proto, at, node.constant(at)) for at in (3, 4))
    if scale.size != 1 or zero.any() or last > first:
        raise Refusal(f"keeps {last} of {first} bits with {scale.size} scales and a zero point", "give it one, and 0")
    step, wide = float(scale.flat[0]), 1 << last
    return _stairs(node, step * 2.0 ** (first - last), step, 0, -wide, wide, str(node.attrs["rounding_mode"]).upper())


def _stairs(node: Operands, scale: float, step: float, zero: int, low: int, high: int, mode: str) -> Made:
    attrs = {"high": high, "low": low, "rounding": mode, "scale": scale, "step": step, "zero_point": zero}
    return "Stairs", (node.proto.input[0],), attrs


def _rounded(attrs: Mapping[str, Any], x: Array) -> Array:
    return np.asarray(ROUNDINGS[str(attrs["rounding_mode"]).upper()](np, x))


def _scale(proto: onnx.NodeProto, value: Array, shape: tuple[int, ...] | None) -> Array:
    """The scale, float64, above 0, which broadcasts to `shape`."""
    scale = scale_of(np.asarray(value).reshape(-1), proto.input[1]).reshape(np.shape(value))
    return _fits(proto, scale, shape)


def _zero(proto: onnx.NodeProto, value: Array, shape: tuple[int, ...] | None) -> Array:
    """The zero point: whole numbers, float64."""
    zero = np.asarray(value, np.float64)
    if not zero.size or not (np.isfinite(zero) & (zero == np.rint(zero)) & (np.abs(zero) < 1 << MANY)).all():
        raise Refusal(f"its zero point {quoted(proto.input[2])} is not whole, or beyond {MANY} bits", AGAIN)
    return _fits(proto, zero, shape)


def _fits(proto: onnx.NodeProto, value: Array, shape: tuple[int, ...] | None) -> Array:
    try:
        fits = shape is None or np.broadcast_shapes(value.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise Refusal(f"numbers of shape {list(value.shape)} do not fit {list(shape or ())}", AGAIN)
    return value


def _bits(proto: onnx.NodeProto, i: int, value: Array) -> int:
    value = np.asarray(value, np.float64)
    if value.size != 1 or not 1 <= float(value.flat[0]) <= 32 or float(value.flat[0]) % 1:
        raise Refusal(f"its bit width {quoted(proto.input[i])} is not one whole number from 1 to 32", AGAIN)
    return int(value.flat[0])


def _ends(attrs: Mapping[str, Any], bits: int) -> tuple[int, int]:
    """The least and the most of whole numbers of so many bits."""
    if attrs["signed"]:
        return -(1 << bits - 1) + bool(attrs["narrow"]), (1 << bits - 1) - 1
    return 0, (1 << bits) - 1 - bool(attrs["narrow"])


def _along(node: Operands, scale: Array, zero: Array, rank: int) -> dict[str, Any]:
    """axis, scale and zero_point of a grid, of one number or of one a channel."""
    both = np.broadcast_shapes(scale.shape, zero.shape)
    long = [axis - len(both) + rank for axis, size in enumerate(both) if size != 1]
    if len(long) > 1 or (long and (long[0] < 1 or node.bare())):
        raise Refusal(f"its scales are {list(both)}", "give it one scale, or one a channel")
    scales, zeros = (tuple(np.broadcast_to(value, both).ravel().tolist()) for value in (scale, zero))
    return {"axis": long[0] if long else 1, "scale": scales, "zero_point": tuple(map(int, zeros))}


QONNX_RULES: Mapping[str, Callable[[Operands], Made]] = {
    "BipolarQuant": bipolar,
    "IntQuant": quant,
    "Quant": quant,
    "Trunc": trunc,
}
"""Those of DOMAINS."""
