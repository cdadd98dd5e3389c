"""Evaluates nodes whose inputs are all constant, with sizes bounded beforehand.

By onnx's own reference, so that the values are the same with and without onnxruntime; what that does not know, or is
not trusted to do in little memory, by onnxruntime.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from emcc.base.text import printable
from emcc.frontend import runtime_constants
from emcc.frontend.legacy import BROADCASTING
from emcc.frontend.refusal import Refusal, quoted
from emcc.frontend.tensors import decode
from emcc.ir.graph import Array

LARGEST = 1 << 28
"""Most elements of a constant that is computed."""

MADE = 1 << 28
"""Most elements, in all of a model, that are made out of a few numbers: what a small file may ask for."""

COMPUTED = 1 << 30
"""Most elements, in all of a model, of constants that are computed."""

_ELEMENTWISE = (
    "Abs Add And Cast CastLike Ceil Clip DequantizeLinear Div Equal Exp Floor Greater GreaterOrEqual Identity "
    "LeakyRelu Less LessOrEqual Log Max Min Mod Mul Neg Not Or Pow QuantizeLinear Reciprocal "
    "Relu Round Sigmoid Sign Sqrt Sub Sum Tanh Where Xor"
)
_MOVING = (
    "Concat Flatten ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Reshape Shape Size Slice Split Squeeze "
    "Transpose Unsqueeze"
)
ELEMENTWISE, MOVING = frozenset(_ELEMENTWISE.split()), frozenset(_MOVING.split())
SIZED = frozenset({"ConstantOfShape", "Expand", "Gather", "Range", "Tile"})
REFERENCE_FROM = {"DequantizeLinear": 19}
"""The oldest opset that onnx's reference has an operator in, where that means the same in the older ones."""
FOLDABLE = ELEMENTWISE | MOVING | SIZED | {"Constant"}


@dataclass
class Room:
    """What the constants of a model take, in elements: all that are computed, and those made out of a few numbers."""

    computed: int = 0
    made: int = 0

    def take(self, node: onnx.NodeProto, size: int) -> None:
        """Note what a node computes; raise Refusal where that is too large, by itself or with what there is."""
        made = size if node.op_type in SIZED else 0
        if size > LARGEST or self.made + made > MADE or self.computed + size > COMPUTED:
            before = f", after {self.computed} in others" if self.computed else ""
            most = f"{LARGEST}, {MADE} in all that are made out of a few numbers, and {COMPUTED} in all"
            raise Refusal(f"computes a constant of {size} elements{before}", f"emcc computes up to {most}")
        self.made += made
        self.computed += size


def constant_value(attrs: Mapping[str, Any], path: Path) -> Array:
    """Return the value of a Constant node; raise Refusal where it holds no dense numbers."""
    (key,) = attrs if len(attrs) == 1 else ("",)
    value = attrs.get(key)
    match key:
        case "value":
            return decode(value, path)
        case "value_float" | "value_floats":
            return np.asarray(value, np.float32)
        case "value_int" | "value_ints":
            return np.asarray(value, np.int64)
    named = ", ".join(sorted(attrs)) or "no value"
    raise Refusal(f"a Constant with {named} is not supported", "store it as a dense tensor of numbers")


def check_tensors(node: onnx.NodeProto, path: Path) -> None:
    """Raise Refusal or EmccError where an attribute's tensor is damaged, or in a file: onnx would read any file."""
    for attribute in node.attribute:
        for tensor in (*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors):
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                raise Refusal(f"attribute {quoted(attribute.name)} is stored outside the model", "store it inside")
            decode(tensor, path)


def evaluate(node: onnx.NodeProto, opset: int, values: Sequence[Array | None], room: Room | None = None) -> list[Array]:
    """Return the node's outputs; raise Refusal where they are too large or cannot be computed. `room`: the model's."""
    if node.op_type not in FOLDABLE:
        return runtime_constants.evaluate(node, opset, values)
    (room or Room()).take(node, _bound(node, values))
    try:
        return _by_reference(node, opset, values)
    except Refusal as refusal:
        try:
            return runtime_constants.evaluate(node, opset, values)
        except Refusal:
            raise refusal from None


def _by_reference(node: onnx.NodeProto, opset: int, values: Sequence[Array | None]) -> list[Array]:
    from onnx.reference import ReferenceEvaluator

    feeds = {name: value for name, value in zip(node.input, values, strict=True) if value is not None}
    graph = onnx.helper.make_graph(
        [node],
        "constant",
        [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in feeds],
        [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in node.output if name],
    )
    version = max(opset, REFERENCE_FROM.get(node.op_type, BROADCASTING))
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", version)])
    try:
        with np.errstate(all="ignore"):
            results = ReferenceEvaluator(model).run(None, feeds)
    except Exception as error:
        raise Refusal(
            f"its constant value cannot be computed: {printable(str(error))}", "export the model again"
        ) from error
    return [np.asarray(value) for value in results]


def _bound(node: onnx.NodeProto, values: Sequence[Array | None]) -> int:
    """Return how many elements the outputs have at most."""
    given = [value for value in values if value is not None]
    total = sum(value.size for value in given)
    match node.op_type:
        case "Gather" if len(given) == 2:
            return given[0].size * max(1, given[1].size)
        case "ConstantOfShape" if given:
            return math.prod(max(0, int(size)) for size in given[0].ravel()[:64])
        case "Expand" | "Tile" if len(given) == 2:
            return max(1, given[0].size) * math.prod(max(1, int(size)) for size in given[1].ravel()[:64])
        case "Range" if len(given) == 3:
            start, limit, delta = (float(value.ravel()[0]) if value.size else 0.0 for value in given)
            return int(abs((limit - start) / delta)) + 1 if delta and math.isfinite(limit - start) else LARGEST + 1
        case "DequantizeLinear" | "QuantizeLinear":
            blocks = max([1, *(a.i for a in node.attribute if a.name == "block_size")])
            return total * blocks if blocks > 1 else total
        case op if op in ELEMENTWISE and given:
            try:
                return math.prod(np.broadcast_shapes(*(value.shape for value in given)))
            except ValueError:
                return total
    return total
