"""Rules of quantised models: QuantizeLinear and DequantizeLinear, the operators on integers, dynamic quantisation.

A tensor of integers is a computed tensor whose `Data.dtype` says which; only rules in `TAKES` see such. Weights become
float32 constants with their units (Operands.keep_units).
"""

from typing import Any

import numpy as np

from emcc.frontend.grids import AGAIN, BITS, Grid, along, scale_of, zero_of
from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal, quoted
from emcc.frontend.rules_arithmetic import as_kernel, rows_by
from emcc.frontend.rules_conv import Layout, convolved, image
from emcc.frontend.tensors import type_name
from emcc.ir.graph import Array

FLOAT = "give emcc the float model: it quantises by itself"


def quantize(node: Operands) -> Made:
    """A computed tensor of floats to integers; their type is the zero point's."""
    shape = _sizes(node)
    kept = int(node.attrs.get("output_dtype", 0))
    named = type_name(kept).lower() if kept else "uint8"
    dtype = node.constant(2).dtype.name if node.given(2) else named
    if kept and dtype != named:
        raise Refusal(f"its zero point is {dtype}, its output_dtype {named}", AGAIN)
    grid = _grid(node, 1, 2, dtype, shape)
    return "QuantizeLinear", (node.proto.input[0],), grid.attrs()


def dequantize(node: Operands) -> Made:
    """A computed tensor of integers to floats."""
    shape, dtype = _sizes(node), _integers(node, 0)
    grid = _grid(node, 1, 2, dtype, shape)
    return "DequantizeLinear", (node.proto.input[0],), grid.attrs()


def to_floats(node: Operands) -> Made:
    """A Cast of integers to floats."""
    grid = Grid(np.ones(1), np.zeros(1, np.int64), 0, _integers(node, 0))
    node.shape(bare=True)
    return "DequantizeLinear", (node.proto.input[0],), grid.attrs()


def dynamic(node: Operands) -> Made:
    """DynamicQuantizeLinear: floats stay as they are; what follows sees a scale of 1 and a zero point of 0."""
    node.shape(bare=True)
    for i, value in ((1, np.ones((), np.float32)), (2, np.zeros((), np.uint8))):
        if i < len(node.proto.output) and node.proto.output[i]:
            node.settled[str(node.proto.output[i])] = value
    return "Identity", (node.proto.input[0],), {}


def conv_integer(node: Operands) -> Made:
    """ConvInteger: sums of products of integers, as floats."""
    spatial, x = image(node, "Conv", least=3), read(node, 0, None, 2)
    return convolved(node, spatial, x, node.constant(1), lambda layout: codes_of(node, 1, None, 3, 0, layout))


def matmul_integer(node: Operands) -> Made:
    """MatMulInteger: likewise."""
    return _product(node, read(node, 0, None, 2), 1, None, 3)


def qlinear_conv(node: Operands) -> Made:
    """QLinearConv: x, its scale and zero point, w and its two, y's two, the bias."""
    spatial, x = image(node, "Conv", least=3), read(node, 0, 1, 2)
    scale = scale_of(node.constant(1), node.proto.input[1])
    bias = [bias_of(node, 8, scale)] if node.given(8) else []
    made = convolved(node, spatial, x, node.constant(3), lambda layout: codes_of(node, 3, 4, 5, 0, layout), *bias)
    return written(node, node.put(*made), 6, 7)


def qlinear_matmul(node: Operands) -> Made:
    """QLinearMatMul: a, its scale and zero point, b and its two, y's two."""
    if node.is_data(3):
        raise Refusal("both matrices are computed from the model's input", FLOAT)
    return written(node, node.put(*_product(node, read(node, 0, 1, 2), 3, 4, 5)), 6, 7)


def _product(node: Operands, x: str, i: int, scale: int | None, zero: int) -> Made:
    """Tensor `x`, which stands for input 0, by the constant integers of input i: a vector, or every row of a sample."""
    shape, matrix = node.shape(), node.constant(i)
    if matrix.ndim == 2 and 3 <= len(shape) <= 4 and any(size != 1 for size in shape[1:-1]):
        return rows_by(node, x, codes_of(node, i, scale, zero, 1, as_kernel), len(matrix))
    return "MatMul", (x, codes_of(node, i, scale, zero, 1)), {}


def _sizes(node: Operands) -> tuple[int, ...]:
    """The shape in the model, of any number of samples."""
    return node.own()


def _integers(node: Operands, i: int) -> str:
    """The type of the integers that input i, computed, holds."""
    dtype = node.data[node.proto.input[i]].dtype
    if dtype not in BITS:
        raise Refusal(f"input {i} holds {dtype}, not integers of 8 or 16 bits", AGAIN)
    return dtype


def _grid(node: Operands, scale: int, zero: int, dtype: str, shape: tuple[int, ...]) -> Grid:
    """The grid that two inputs say of a computed tensor."""
    if node.attrs.get("block_size", 0):
        raise Refusal("it has scales a block", "quantise activations by one scale a tensor")
    if dtype not in BITS:
        raise Refusal(f"it makes {dtype}", f"emcc takes {', '.join(BITS)}")
    scales = scale_of(node.constant(scale), node.proto.input[scale])
    given = node.constant(zero) if node.given(zero) else None
    zeros = zero_of(given, node.proto.input[zero] if node.given(zero) else "", dtype, scales.size)
    axis = along(int(node.attrs.get("axis", 1)), shape, scales.size)
    if scales.size > 1 and (axis == 0 or node.bare()):
        raise Refusal("its scales lie along the batch axis", AGAIN)
    return Grid(scales, zeros, axis, dtype)


def read(node: Operands, i: int, scale: int | None, zero: int) -> str:
    """The floats that input i stands for; what was quantised dynamically is floats already."""
    name = str(node.proto.input[i])
    node.shape(i)
    if scale is None and node.data[name].dtype == "float32":
        return name
    dtype = _integers(node, i)
    scales = np.ones(1) if scale is None else scale_of(node.constant(scale), node.proto.input[scale])
    given = node.constant(zero) if node.given(zero) else None
    if scales.size > 1:
        raise Refusal("it has several scales for its computed input", AGAIN)
    zeros = zero_of(given, node.proto.input[zero] if node.given(zero) else "", dtype, 1)
    return node.put("DequantizeLinear", (name,), Grid(scales, zeros, 0, dtype).attrs())


def codes_of(
    node: Operands, i: int, scale: int | None, zero: int, rows: int, layout: Layout = lambda value: value
) -> str:
    """Keep weights, constant integers, as floats with their units, in a layout; scales lie along axis `rows`."""
    value, name = node.constant(i), node.proto.input[i]
    if value.dtype.name not in BITS or not value.size or value.ndim < 2:
        raise Refusal(f"its weights {quoted(name)} are {value.dtype} {list(value.shape)}", AGAIN)
    scales = np.ones(1) if scale is None else scale_of(node.constant(scale), node.proto.input[scale])
    given = node.constant(zero) if node.given(zero) else None
    size = scales.size if given is None or scale is not None else given.size
    zeros = zero_of(given, node.proto.input[zero] if node.given(zero) else "", value.dtype.name, size)
    grid = Grid(scales, zeros, along(rows, value.shape, size), value.dtype.name)
    floats, unit = grid.floats(value)
    return node.keep_units(i, layout(floats), layout(np.broadcast_to(unit, floats.shape)))


def bias_of(node: Operands, i: int, x: Array) -> str:
    """A bias of int32, in units of the input's scale times the weight's, which is input 4."""
    value = node.constant(i)
    if value.dtype.name != "int32" or value.ndim != 1:
        raise Refusal(f"its bias is {value.dtype} {list(value.shape)}, not a vector of int32", AGAIN)
    weight = scale_of(node.constant(4), node.proto.input[4])
    if weight.size not in (1, value.size):
        raise Refusal(f"its bias is {list(value.shape)}, its weights have {weight.size} scales", AGAIN)
    floats = value * (x * weight)
    return node.constant_of("bias", floats.astype(np.float32))


def written(node: Operands, y: str, scale: int, zero: int) -> Made:
    """The integers of tensor y."""
    scales = scale_of(node.constant(scale), node.proto.input[scale])
    given = node.constant(zero)
    if scales.size > 1:
        raise Refusal("it has several scales for its result", AGAIN)
    dtype = given.dtype.name
    if dtype not in BITS:
        raise Refusal(f"it makes {dtype}", f"emcc takes {', '.join(BITS)}")
    attrs: dict[str, Any] = Grid(scales, zero_of(given, node.proto.input[zero], dtype, 1), 0, dtype).attrs()
    return "QuantizeLinear", (y,), attrs
