"""For every operator that can be compiled: an ONNX node of any opset -> op, inputs and attributes of an ir Node."""

import math
from collections.abc import Callable, Mapping

import onnx

from emcc.frontend import rules_arithmetic as arithmetic
from emcc.frontend import rules_clip as clips
from emcc.frontend import rules_conv as images
from emcc.frontend import rules_function as functions
from emcc.frontend import rules_many as many
from emcc.frontend import rules_microsoft as microsoft
from emcc.frontend import rules_ml as ml
from emcc.frontend import rules_norm as norms
from emcc.frontend import rules_pick as picks
from emcc.frontend import rules_places as places
from emcc.frontend import rules_qonnx as qonnx
from emcc.frontend import rules_quantised as quantised
from emcc.frontend import rules_reduce as whole
from emcc.frontend import rules_shape as shapes
from emcc.frontend import rules_space as spaces
from emcc.frontend import rules_transposed as transposed
from emcc.frontend import rules_truth as truths
from emcc.frontend.grids import BITS
from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.frontend.rules_concat import concat
from emcc.frontend.rules_recurrent import recurrent
from emcc.frontend.tensors import FLOATS
from emcc.ops.registry import REDUCTIONS

Rule = Callable[[Operands], Made]


def _softmax(node: Operands) -> Made:
    """Before opset 13 the axes from `axis` on count as one."""
    op, x, sizes, bare = node.proto.op_type, node.proto.input[0], node.own(), node.bare()
    axis, first = node.axis("axis", len(sizes)), 0 if bare else 1
    if node.opset < 13:
        long = [i for i, size in enumerate(sizes) if i >= max(axis, first) and size != 1]
        if axis < first and not node.single:
            raise Refusal(f"{op} runs over the batch axis", "set its axis to the features")
        if len(long) > 1:
            return _softmax_as_one(node, max(axis, first) + bare)
        axis = long[0] if long else max(axis, first)
    if axis < first:
        raise Refusal(f"{op} runs over the batch axis", "set its axis to the features")
    node.leaves_unit = op == "Softmax" and len(sizes) == 2 and not bare
    return op, (x,), {"axis": axis + bare}


def _softmax_as_one(node: Operands, axis: int) -> Made:
    """Over the axes from `axis` on, as one."""
    shape = tuple(int(size or 1) for size in node.shape(bare=True)[1:])
    flat = (*shape[: axis - 1], math.prod(shape[axis - 1 :]))
    together = node.put("Reshape", (node.proto.input[0],), {"shape": flat})
    return "Reshape", (node.put(node.proto.op_type, (together,), {"axis": axis}),), {"shape": shape}


def _arg_max(node: Operands) -> Made:
    axis, bare = node.axis("axis", len(node.own())), node.bare()
    if axis == 0 and not bare:
        raise Refusal("ArgMax runs over the batch axis", "set its axis to the features")
    attrs = {"axis": axis + bare, "keepdims": int(bool(node.attrs["keepdims"]))}
    x, data = str(node.proto.input[0]), node.data[node.proto.input[0]]
    if data.dtype in BITS:
        # Larger integers stand for larger floats where one scale does for all.
        if data.grid is None or len(data.grid["scale"]) > 1:
            raise Refusal(f"input 0 holds {data.dtype} of no one scale", "dequantise it first")
        x = node.put("DequantizeLinear", (x,), dict(data.grid))
    return "ArgMax", (x,), {**attrs, "select_last_index": int(node.attrs.get("select_last_index", 0))}


def _cast(node: Operands) -> Made:
    """Floats to floats, or integers or booleans to them; floats to booleans."""
    if truths.truthful(node):
        return truths.cast(node)
    integers = node.data[node.proto.input[0]].dtype in BITS and node.attrs["to"] in FLOATS
    return quantised.to_floats(node) if integers else shapes.cast(node)


NAMES = (
    "Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Elu Erf Exp Floor HardSigmoid HardSwish LeakyRelu Log Mish "
    "Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh"
)
FUNCTIONS = NAMES.split()
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(FUNCTIONS, functions.function),
    **dict.fromkeys(REDUCTIONS, whole.reduction),
    **truths.RULES,
    "Abs": many.magnitude,
    "Add": arithmetic.binary,
    "ArgMax": _arg_max,
    "AveragePool": images.pool,
    "BatchNormalization": arithmetic.batch_normalization,
    "Cast": _cast,
    "Celu": functions.celu,
    "Clip": clips.clip,
    "Concat": concat,
    "Conv": images.conv,
    "CumSum": spaces.sums_up_to,
    "ConvInteger": quantised.conv_integer,
    "ConvTranspose": transposed.conv_transpose,
    "DepthToSpace": spaces.blocks,
    "DequantizeLinear": quantised.dequantize,
    "Div": arithmetic.binary,
    "Dropout": shapes.dropout,
    "DynamicQuantizeLinear": quantised.dynamic,
    "Expand": picks.expand,
    "Flatten": shapes.flatten,
    "Gather": picks.gather,
    **dict.fromkeys(("GatherElements", "GatherND"), places.gather),
    "Gelu": functions.gelu,
    "Gemm": arithmetic.gemm,
    **dict.fromkeys(("GRU", "LSTM"), recurrent),
    "GlobalAveragePool": whole.global_average_pool,
    "GlobalMaxPool": whole.global_max_pool,
    "GroupNormalization": norms.by_channel,
    "Identity": shapes.identity,
    "InstanceNormalization": norms.by_channel,
    "LRN": norms.local_response,
    "LayerNormalization": norms.layer,
    "LogSoftmax": _softmax,
    "LpNormalization": norms.by_norm,
    "MatMul": arithmetic.matmul,
    "MatMulInteger": quantised.matmul_integer,
    "Max": clips.extreme,
    "MaxPool": images.pool,
    "Mean": many.mean,
    "Min": clips.extreme,
    "Mul": arithmetic.binary,
    "Neg": many.minus,
    "PRelu": functions.prelu,
    "Pad": picks.pad,
    "Pow": many.power,
    "QLinearConv": quantised.qlinear_conv,
    "QLinearMatMul": quantised.qlinear_matmul,
    "QuantizeLinear": quantised.quantize,
    "RMSNormalization": norms.layer,
    "Reshape": shapes.reshape,
    "Resize": spaces.resize,
    **dict.fromkeys(("ScatterElements", "ScatterND"), places.scatter),
    "Slice": picks.cut,
    "Softmax": _softmax,
    "SpaceToDepth": spaces.blocks,
    "Split": picks.split,
    "Squeeze": shapes.squeeze,
    "Sub": arithmetic.binary,
    "Sum": many.total,
    "ThresholdedRelu": functions.threshold,
    "Tile": picks.tile,
    "TopK": whole.top,
    "Transpose": shapes.transpose,
    "Trilu": spaces.triangle,
    "Unsqueeze": shapes.unsqueeze,
    "Upsample": spaces.resize,
}
ML_RULES: Mapping[str, Rule] = {
    "LinearClassifier": ml.linear_classifier,
    "LinearRegressor": ml.linear_regressor,
    "Normalizer": ml.normalizer,
    "Scaler": ml.scaler,
}
"""Those of the domain ai.onnx.ml."""

OUTPUT = {"LinearClassifier": 1}
"""The output that a rule is for, where it is not the first."""

EITHER_SIDE = (
    *(arithmetic.binary, arithmetic.gemm, arithmetic.matmul),
    *(concat, many.total, many.mean, clips.extreme, many.power, picks.gather),
    *(microsoft.joined, microsoft.concat),
    *(truths.compared, truths.logical, truths.where, places.scatter),
)
"""Rules of operators whose first input may be constant, or which say themselves why it may not."""


def standard(node: onnx.NodeProto) -> bool:
    """Return whether an operator is of the default domain."""
    return node.domain in ("", "ai.onnx")


def rule_for(node: onnx.NodeProto) -> Rule | None:
    """Return the rule of a node's operator, or None."""
    if standard(node):
        return RULES.get(node.op_type)
    if node.domain in qonnx.DOMAINS:
        return qonnx.QONNX_RULES.get(node.op_type)
    if node.domain == microsoft.DOMAIN:
        return microsoft.RULES.get(node.op_type)
    return ML_RULES.get(node.op_type) if node.domain == "ai.onnx.ml" else None
