"""Integers of quantised models: constants that stand for floats, with the unit that they count; who may read tensors
of integers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from emcc.frontend import constants
from emcc.frontend.grids import BITS, Grid, along, scale_of, zero_of
from emcc.frontend.refusal import Refusal
from emcc.ir.graph import Array, Node

GRIDDED = ("DequantizeLinear", "QuantizeLinear")
_MOVES = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
_READS = {"ArgMax", "Cast", "ConvInteger", "DequantizeLinear", "MatMulInteger", "QLinearConv", "QLinearMatMul"}
_PICKS = {
    "Concat",
    "DepthToSpace",
    "Dropout",
    "Expand",
    "Gather",
    "MaxPool",
    "Pad",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Tile",
}
_NEAREST = {"Resize", "Upsample"}
_THEIRS = {
    *("QGemm", "QLinearAdd", "QLinearAveragePool", "QLinearConcat", "QLinearGlobalAveragePool", "QLinearLeakyRelu"),
    *("QLinearMul", "QLinearSigmoid", "QLinearSoftmax"),
}
TAKES = _MOVES | _READS | _PICKS | _THEIRS | _NEAREST
"""Operators that may read a computed tensor of integers; those of the last set where they take the nearest."""

_MOST = 1 << 26
"""Elements of a unit that is moved together with its constant."""


def takes_integers(proto: onnx.NodeProto) -> bool:
    """Return whether an operator may read a computed tensor of integers."""
    modes = [attribute.s for attribute in proto.attribute if attribute.name == "mode"]
    return proto.op_type in TAKES and (proto.op_type not in _NEAREST or modes in ([], [b"nearest"]))


def dtype_after(node: Node, source: str) -> str:
    """Return the type of what an ir node makes from a tensor of type `source`."""
    if node.op in ("DequantizeLinear", "Embedding"):
        return "float32"
    if node.op != "QuantizeLinear":
        return source
    ends = node.attrs["low"], node.attrs["high"]
    return next((dtype for dtype, held in BITS.items() if held[0] <= ends[0] and ends[1] <= held[1]), "int16")


def grid_after(node: Node, grid: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the grid (Data.grid) of what an ir node makes from a tensor of grid `grid`."""
    if node.op == "QuantizeLinear":
        return node.attrs
    return None if node.op == "DequantizeLinear" else grid


def dequantized(
    proto: onnx.NodeProto, attrs: Mapping[str, Any], values: Sequence[Array | None]
) -> tuple[Array, Array] | None:
    """Return (the floats, the unit) of a constant DequantizeLinear; None where the operator's own meaning will do.

    Raise Refusal for scales and zero points that are none.
    """
    value, scale, zero = (*values, None)[:3]
    if value is None or scale is None:
        raise Refusal(f"{proto.op_type} without its scale", "quantise the model again")
    if attrs.get("block_size", 0):
        scale_of(scale.reshape(-1), proto.input[1])
        return None
    scales = scale_of(scale, proto.input[1])
    axis = along(int(attrs.get("axis", 1)), value.shape, scales.size)
    dtype = value.dtype.name
    if proto.op_type == "QuantizeLinear" or dtype not in (*BITS, "int32"):
        return None
    grid = Grid(scales, zero_of(zero, proto.input[2] if zero is not None else "", dtype, scales.size), axis, dtype)
    floats, unit = grid.floats(value)
    return floats, unit


def moved_unit(
    proto: onnx.NodeProto, opset: int, values: Sequence[Array | None], units: Mapping[str, Array]
) -> Array | None:
    """Return the unit of a constant that a node makes of one with a unit, or of integers; None where there is none."""
    value, op = values[0] if values else None, proto.op_type
    if value is None or value.size > _MOST:
        return None
    if op == "Cast" and value.dtype.name in BITS and value.ndim:
        return np.ones((1,) * value.ndim)
    unit = units.get(proto.input[0])
    if unit is None or op not in (*_MOVES, "Cast", "Clip", "Div", "Mul", "Sub", "Add"):
        return None
    if op in _MOVES:
        (moved,) = constants.evaluate(proto, opset, [np.broadcast_to(unit, value.shape).copy(), *values[1:]])
        return moved
    if op in ("Mul", "Div") and len(values) == 2 and values[1] is not None:
        with np.errstate(all="ignore"):
            return np.asarray(unit * values[1] if op == "Mul" else unit / values[1], np.float64)
    return unit
