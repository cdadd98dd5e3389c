"""For every operator that can be compiled: an ONNX node of any opset -> op, inputs and attributes of an ir Node."""

from collections.abc import Callable, Mapping

import onnx

from emcc import ops
from emcc.frontend import rules_arithmetic as arithmetic
from emcc.frontend import rules_clip as clips
from emcc.frontend import rules_conv as images
from emcc.frontend import rules_global as whole
from emcc.frontend import rules_many as many
from emcc.frontend import rules_ml as ml
from emcc.frontend import rules_shape as shapes
from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.frontend.rules_concat import concat

Rule = Callable[[Operands], Made]


def activation(node: Operands) -> Made:
    """A function of one tensor; its attributes are numbers."""
    op = node.proto.op_type
    attrs = {name: node.number(name) for name in ops.get(op).attrs}
    node.shape(bare=True)
    return op, (node.proto.input[0],), attrs


def _softmax(node: Operands) -> Made:
    """Before opset 13 the axes from `axis` on count as one: the same where all but one of them are 1."""
    op, sizes, bare = node.proto.op_type, node.own(), node.bare()
    axis, first = node.axis("axis", len(sizes)), 0 if bare else 1
    if node.opset < 13:
        long = [i for i, size in enumerate(sizes) if i >= max(axis, first) and size != 1]
        if len(long) > 1 or (axis < first and not node.single):
            raise Refusal(
                f"{op} before opset 13 runs over axes {axis} to {len(sizes) - 1} as one", "put a Flatten in front of it"
            )
        axis = long[0] if long else max(axis, first)
    if axis < first:
        raise Refusal(f"{op} runs over the batch axis", "set its axis to the features")
    node.leaves_unit = op == "Softmax" and len(sizes) == 2 and not bare
    return op, (node.proto.input[0],), {"axis": axis + bare}


def _arg_max(node: Operands) -> Made:
    axis, bare = node.axis("axis", len(node.own())), node.bare()
    if axis == 0 and not bare:
        raise Refusal("ArgMax runs over the batch axis", "set its axis to the features")
    attrs = {"axis": axis + bare, "keepdims": int(bool(node.attrs["keepdims"]))}
    return "ArgMax", (node.proto.input[0],), {**attrs, "select_last_index": int(node.attrs.get("select_last_index", 0))}


RULES: Mapping[str, Rule] = {
    "Abs": many.magnitude,
    "Add": arithmetic.binary,
    "ArgMax": _arg_max,
    "AveragePool": images.pool,
    "BatchNormalization": arithmetic.batch_normalization,
    "Cast": shapes.cast,
    "Clip": clips.clip,
    "Concat": concat,
    "Conv": images.conv,
    "Div": arithmetic.binary,
    "Dropout": shapes.dropout,
    "Flatten": shapes.flatten,
    "Gemm": arithmetic.gemm,
    "GlobalAveragePool": whole.global_average_pool,
    "GlobalMaxPool": whole.global_max_pool,
    "Identity": shapes.identity,
    "LeakyRelu": activation,
    "LogSoftmax": _softmax,
    "MatMul": arithmetic.matmul,
    "Max": clips.extreme,
    "MaxPool": images.pool,
    "Min": clips.extreme,
    "Mul": arithmetic.binary,
    "Neg": many.minus,
    "Pow": many.power,
    "ReduceMean": whole.reduce_mean,
    "Relu": activation,
    "Reshape": shapes.reshape,
    "Sigmoid": activation,
    "Softmax": _softmax,
    "Squeeze": shapes.squeeze,
    "Sub": arithmetic.binary,
    "Sum": many.total,
    "Tanh": activation,
    "Transpose": shapes.transpose,
    "Unsqueeze": shapes.unsqueeze,
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
    *(concat, many.total, clips.extreme, many.power),
)
"""Rules of operators whose first input may be constant, or which say themselves why it may not."""


def standard(node: onnx.NodeProto) -> bool:
    """Return whether an operator is of the default domain."""
    return node.domain in ("", "ai.onnx")


def rule_for(node: onnx.NodeProto) -> Rule | None:
    """Return the rule of a node's operator, or None."""
    if standard(node):
        return RULES.get(node.op_type)
    return ML_RULES.get(node.op_type) if node.domain == "ai.onnx.ml" else None
