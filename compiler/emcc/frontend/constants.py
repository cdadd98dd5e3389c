"""Evaluates nodes whose inputs are all constant, with sizes bounded beforehand.

By onnx's own reference, so that the values are the same with and without onnxruntime; what that does not know, or is
not trusted to do in little memory, by onnxruntime.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from emcc.base.text import printable
from emcc.frontend import runtime_constants
from emcc.frontend.legacy import BROADCASTING
from emcc.frontend.refusal import Refusal, quoted
from emcc.frontend.tensors import NUMBERS, decode, type_name
from emcc.ir.graph import Array

HELD = 3 << 28
"""Most bytes, in all of a model, of computed constants that are still needed: what a small file may ask for."""

COMPUTED = 1 << 32
"""Most bytes, in all of a model, of constants that are computed."""

GROWS = 8
"""Bytes beside either that a byte of the model's files allows: int8 weights become float32, and are moved about."""

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
_WIDE = (TensorProto.DOUBLE, TensorProto.INT64, TensorProto.UINT64)
FOLDABLE = ELEMENTWISE | MOVING | SIZED | {"Constant"}


@dataclass
class Room:
    """What the constants of a model may take, in bytes, for a model whose files have `size` bytes."""

    size: int = 0
    computed: int = 0
    held: dict[str, int] = field(default_factory=dict)

    def take(self, node: onnx.NodeProto, elements: int, width: int) -> None:
        """Note what a node computes; raise Refusal where that is too large, by itself or with what there is."""
        size, more = elements * width, GROWS * self.size
        if sum(self.held.values()) + size > HELD + more or self.computed + size > COMPUTED + more:
            before = f", after {self.computed} bytes in others" if self.computed else ""
            most = f"{HELD + more} bytes at a time, and {COMPUTED + more} in all"
            raise Refusal(f"computes a constant of {elements} elements{before}", f"emcc computes up to {most}")
        self.computed += size

    def hold(self, name: str, value: Array) -> None:
        """Note a constant that is kept."""
        self.held[name] = value.nbytes

    def free(self, name: str) -> None:
        """Note one that is not needed any more."""
        self.held.pop(name, None)


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
    (room or Room()).take(node, _bound(node, values), _width(node, values))
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


def _width(node: onnx.NodeProto, values: Sequence[Array | None]) -> int:
    """Return the bytes of an element of the outputs, at most. Refusal where they are no numbers."""
    kind = next((item.i for item in node.attribute if item.name == "to"), TensorProto.FLOAT)
    if kind not in NUMBERS:
        raise Refusal(f"makes {type_name(kind)}, which emcc does not compute with", "store it as numbers")
    given = [value.itemsize for value in values if value is not None]
    match node.op_type:
        case "Cast" | "Shape" | "Size":
            return 8 if kind in _WIDE or node.op_type != "Cast" else 4
        case "ConstantOfShape":
            return max([4, *(8 for item in node.attribute if item.t.data_type in _WIDE)])
        case op if op in MOVING | SIZED and op != "Concat":
            return max([4, *given[:1]])
    return max([4, *given])


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
            return int(abs((limit - start) / delta)) + 1 if delta and math.isfinite(limit - start) else HELD
        case "DequantizeLinear" | "QuantizeLinear":
            blocks = max([1, *(a.i for a in node.attribute if a.name == "block_size")])
            return total * blocks if blocks > 1 else total
        case op if op in ELEMENTWISE and given:
            try:
                return math.prod(np.broadcast_shapes(*(value.shape for value in given)))
            except ValueError:
                return total
    return total
