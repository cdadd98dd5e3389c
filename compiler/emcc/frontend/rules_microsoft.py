"""Operators on integers of onnxruntime's own domain, as its quantiser writes them: through floats and back."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx

from emcc.frontend.grids import AGAIN, Grid, scale_of, zero_of
from emcc.frontend.integers import GRIDDED
from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal, quoted
from emcc.frontend.rules_conv import as_image, as_it_was, image, pool_attributes
from emcc.frontend.rules_quantised import bias_of, codes_of, read, written

DOMAIN, GRID_OPSET = "com.microsoft", 21
_WINDOW = {"auto_pad": "NOTSET", "ceil_mode": 0, "count_include_pad": 0}
_SIZES = {"kernel_shape": (), "pads": None, "strides": None}
_ATTRS: Mapping[str, Mapping[str, Any]] = {
    "QGemm": {"alpha": 1.0, "transA": 0, "transB": 0},
    "QLinearAdd": {},
    "QLinearAveragePool": {**_WINDOW, **_SIZES, "channels_last": 0},
    "QLinearConcat": {"axis": None},
    "QLinearGlobalAveragePool": {"channels_last": 0},
    "QLinearLeakyRelu": {"alpha": 0.01},
    "QLinearMul": {},
    "QLinearSigmoid": {},
    "QLinearSoftmax": {"axis": -1, "opset": None},
}
"""Attributes and their defaults; None where there is none."""

_LEAST = {"QGemm": 6, "QLinearAdd": 8, "QLinearMul": 8}
"""Inputs at least; 5 where nothing is said."""


def standard_form(proto: onnx.NodeProto) -> onnx.NodeProto:
    """Return a QuantizeLinear or DequantizeLinear of this domain as the standard one of opset 21, the first that says
    as much; any other node as it is."""
    if proto.domain != DOMAIN or proto.op_type not in GRIDDED:
        return proto
    copy = onnx.NodeProto()
    copy.CopyFrom(proto)
    copy.domain = ""
    return copy


def attributes(proto: onnx.NodeProto) -> Mapping[str, Any]:
    """Return a node's attributes over the defaults; raise Refusal where it is no such node."""
    known = _ATTRS.get(proto.op_type)
    if known is None:
        raise Refusal(f"emcc does not know this operator of {quoted(proto.domain)}", "give emcc the float model")
    if len(proto.input) < _LEAST.get(proto.op_type, 5) or len(proto.output) != 1:
        raise Refusal(f"has {len(proto.input)} inputs", AGAIN)
    given = {key: value for key, value in known.items() if value is not None}
    for attribute in proto.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        value = tuple(value) if isinstance(value, list) else value
        wanted = known.get(attribute.name, 0)
        if attribute.name not in known or (wanted is not None and not isinstance(value, type(wanted))):
            raise Refusal(f"attribute {quoted(attribute.name)} is not known, or of the wrong type", AGAIN)
        given[attribute.name] = value
    return given


def joined(node: Operands) -> Made:
    """QLinearAdd and QLinearMul: a, its scale and zero point, b and its two, the result's two."""
    inputs = [read(node, i, i + 1, i + 2) if node.is_data(i) else _constant(node, i) for i in (0, 3)]
    op = node.proto.op_type.removeprefix("QLinear")
    return written(node, node.put(op, tuple(inputs), {}), 6, 7)


def gemm(node: Operands) -> Made:
    """QGemm: a and its two, b and its two, the bias of int32, the result's two; floats where these are missing."""
    attrs = node.attrs
    if attrs["transA"] or node.is_data(3):
        raise Refusal("its first matrix is transposed, or its second computed", "give emcc the float model")
    inputs = [read(node, 0, 1, 2), codes_of(node, 3, 4, 5, 0 if attrs["transB"] else 1)]
    if node.given(6):
        inputs.append(bias_of(node, 6, node.number("alpha") * scale_of(node.constant(1), node.proto.input[1])))
    plain = {"alpha": node.number("alpha"), "beta": 1.0, "transA": 0, "transB": int(attrs["transB"])}
    if not node.given(7):
        return "Gemm", tuple(inputs), plain
    return written(node, node.put("Gemm", tuple(inputs), plain), 7, 8)


def pool(node: Operands) -> Made:
    """QLinearAveragePool and QLinearGlobalAveragePool: x and its two, the result's two."""
    if node.attrs["channels_last"]:
        raise Refusal("its channels come last", "export it with the channels in front")
    x, name = read(node, 0, 1, 2), node.proto.op_type.removeprefix("QLinear")
    if name == "GlobalAveragePool":
        return written(node, node.put(name, (x,), {}), 3, 4)
    spatial = image(node, name, least=3)
    made = as_it_was(node, spatial, (name, (as_image(node, spatial, x),), pool_attributes(node, name, spatial)))
    return written(node, node.put(*made), 3, 4)


def function(node: Operands) -> Made:
    """QLinearSigmoid, QLinearLeakyRelu and QLinearSoftmax: x and its two, the result's two."""
    x, name = read(node, 0, 1, 2), node.proto.op_type.removeprefix("QLinear")
    attrs = {"alpha": node.number("alpha")} if name == "LeakyRelu" else {}
    if name == "Softmax":
        rank = len(node.own())
        axis = node.axis("axis", rank)
        if axis == 0 or (int(node.attrs.get("opset", 13)) < 13 and axis != rank - 1):
            raise Refusal(f"runs over axis {axis} of {rank}, and those behind it", "give it the last axis")
        attrs = {"axis": axis}
    return written(node, node.put(name, (x,), attrs), 3, 4)


def concat(node: Operands) -> Made:
    """QLinearConcat: the result's two; then of every part itself and its two."""
    inputs = len(node.proto.input)
    if inputs % 3 != 2 or not all(node.is_data(i) for i in range(2, inputs, 3)):
        raise Refusal("one of its parts is constant, or lacks its scale", AGAIN)
    parts = tuple(read(node, i, i + 1, i + 2) for i in range(2, inputs, 3))
    axis = node.counted(int(node.attrs["axis"]), len(node.own(2)))
    if axis == 0:
        raise Refusal("joins along the batch axis", AGAIN)
    return written(node, node.put("Concat", parts, {"axis": axis}), 0, 1)


def _constant(node: Operands, i: int) -> str:
    """A constant operand of integers, as floats."""
    value, dtype = node.constant(i), node.constant(i).dtype.name
    scale = scale_of(node.constant(i + 1), node.proto.input[i + 1])
    zero = zero_of(node.constant(i + 2) if node.given(i + 2) else None, "", dtype, scale.size)
    if scale.size > 1 or not value.size:
        raise Refusal("a constant has several scales, or no elements", AGAIN)
    return node.constant_of(f"operand{i}", np.asarray(Grid(scale, zero, 0, dtype).floats(value)[0]))


RULES: Mapping[str, Callable[[Operands], Made]] = {
    "QGemm": gemm,
    "QLinearAdd": joined,
    "QLinearAveragePool": pool,
    "QLinearConcat": concat,
    "QLinearGlobalAveragePool": pool,
    "QLinearLeakyRelu": function,
    "QLinearMul": joined,
    "QLinearSigmoid": function,
    "QLinearSoftmax": function,
}
"""Those of DOMAIN."""
