"""Evaluates nodes whose inputs are constant by onnxruntime, with everything that it will allocate bounded beforehand.

For what `constants` does not know. The sizes of the outputs come from onnx's shape inference; what an operator needs
besides is bounded by the products of sizes, but for those that are known to need no more than inputs and outputs.
"""

import math
from collections.abc import Sequence

import onnx
from onnx import AttributeProto, helper, numpy_helper

from emcc.base.text import printable
from emcc.frontend.ort import OrtError, Session, installed, turn
from emcc.frontend.refusal import Refusal
from emcc.ir.graph import Array

LARGEST = 1 << 24
"""Most elements of all inputs, and of all outputs."""

WORK = 1 << 28
"""Most elements between them, of an operator that is not NARROW."""

PRODUCTS = 1 << 36
"""Most multiplications of a MatMul or Gemm."""

_NARROW = (
    "Acos Acosh ArgMax ArgMin Asin Asinh Atan Atanh BatchNormalization BitShift BitwiseAnd BitwiseNot BitwiseOr "
    "BitwiseXor CastLike Celu Compress Concat Cos Cosh CumSum DepthToSpace Det Dropout Elu Erf EyeLike GatherElements "
    "GatherND Gelu GroupNormalization HardSigmoid HardSwish Hardmax InstanceNormalization IsInf IsNaN "
    "LayerNormalization LogSoftmax LpNormalization Mean Mish NonZero OneHot PRelu Pad ReduceL1 ReduceL2 ReduceLogSum "
    "ReduceLogSumExp ReduceSumSquare Resize ReverseSequence ScatterElements ScatterND Selu Shrink Sin Sinh Softmax "
    "Softplus Softsign SpaceToDepth Swish Tan ThresholdedRelu TopK Trilu Unique Upsample"
)
NARROW = frozenset(_NARROW.split())
"""Operators that hold no more than a few copies of their inputs and outputs while they run."""

RANDOM = frozenset(
    ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
)
UNKNOWN = {"Compress": 1, "NonZero": 64, "Unique": 4}
"""Operators whose output's size depends on values: at most so many times the inputs' (an axis of NonZero is a row)."""

SMALL = 1 << 10
"""Elements of an input that shape inference may look at: a shape, axes, scales."""

SECONDS = 60
"""That onnxruntime may take."""

ROOM = 16 * WORK
"""Bytes that it may take beside what every model may."""

IR_VERSION = 8
"""Which every onnxruntime reads."""

FOLDED = "export the model with its constants folded"


def evaluate(node: onnx.NodeProto, opset: int, values: Sequence[Array | None]) -> list[Array]:
    """Return the node's outputs; raise Refusal where they cannot be computed, or might take too much."""
    op = printable(node.op_type)
    if node.op_type in RANDOM or (node.op_type == "Dropout" and len(values) > 2):
        raise Refusal(f"{op} draws random numbers", "draw them once and store them as an initializer")
    if any(item.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for item in node.attribute):
        raise Refusal(f"{op} of constants has graphs inside", FOLDED)
    if any(abs(number) > LARGEST for item in node.attribute for number in (item.i, *item.ints)):
        raise Refusal(f"{op} of constants has an attribute beyond {LARGEST}", FOLDED)
    if not installed():
        raise Refusal(
            f"emcc computes {op} of constants by onnxruntime, which is not installed",
            f"install onnxruntime, or {FOLDED}",
        )
    feeds = {name: value for name, value in zip(node.input, values, strict=True) if value is not None and name}
    sizes = [value.size for value in feeds.values()]
    if sum(sizes) > LARGEST:
        raise Refusal(f"{op} of {sum(sizes)} constants", f"emcc folds up to {LARGEST} of them: {FOLDED}")
    made = _made(node, opset, feeds)
    if made > LARGEST:
        raise Refusal(f"computes a constant of {made} elements", f"emcc computes up to {LARGEST} so: {FOLDED}")
    between = _between(node, feeds, made)
    if between:
        raise Refusal(f"takes {between} steps to compute a constant", FOLDED)
    return _run(node, opset, feeds)


def _made(node: onnx.NodeProto, opset: int, feeds: dict[str, Array]) -> int:
    """Return how many elements the outputs have at most; raise Refusal where that cannot be told."""
    if node.op_type in UNKNOWN:
        return UNKNOWN[node.op_type] * sum(value.size for value in feeds.values())
    small = {name: value for name, value in feeds.items() if value.size <= SMALL}
    try:
        model = onnx.shape_inference.infer_shapes(_model(node, opset, feeds, small), strict_mode=True, data_prop=True)
    except Exception as error:
        raise Refusal(f"its constant value cannot be computed: {printable(str(error))}", FOLDED) from error
    total = 0
    for value in model.graph.output:
        axes = value.type.tensor_type.shape.dim
        known = value.type.tensor_type.HasField("shape") and all(axis.HasField("dim_value") for axis in axes)
        if not known:
            raise Refusal(f"the size of a constant that {printable(node.op_type)} computes cannot be told", FOLDED)
        total += math.prod(max(0, int(axis.dim_value)) for axis in axes)
    return total


def _between(node: onnx.NodeProto, feeds: dict[str, Array], made: int) -> int:
    """Return a bound on what the operator needs besides inputs and outputs where that is too much, else 0."""
    sizes = [max(1, value.size) for value in feeds.values()]
    if node.op_type in NARROW or not sizes:
        return 0
    if node.op_type in ("Gemm", "MatMul"):
        products = max(1, made) * max(max(value.shape, default=1) for value in feeds.values())
        return products if products > PRODUCTS else 0
    work = max(max(1, made) * max(sizes), math.prod(sizes))
    return work if work > WORK else 0


def _model(node: onnx.NodeProto, opset: int, feeds: dict[str, Array], stored: dict[str, Array]) -> onnx.ModelProto:
    """Return a model of this node alone; `stored` of its inputs are initializers."""
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in feeds.items()
        if name not in stored
    ]
    outputs = [helper.make_value_info(name, onnx.TypeProto()) for name in node.output if name]
    held = [numpy_helper.from_array(value, name) for name, value in stored.items()]
    graph = helper.make_graph([node], "constant", inputs, outputs, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = IR_VERSION
    return model


def _run(node: onnx.NodeProto, opset: int, feeds: dict[str, Array]) -> list[Array]:
    model = _model(node, opset, feeds, {}).SerializeToString()
    names = [name for name in node.output if name]
    try:
        with turn:
            return Session(model, room=ROOM, seconds=SECONDS).run(names, feeds)
    except OrtError as error:
        raise Refusal(f"its constant value cannot be computed: {error}", FOLDED) from error
