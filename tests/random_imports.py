"""Random ONNX models, most of them wrong: nodes of many operators with inputs and attributes that need not fit."""

from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from models import model
from onnx import helper

OPSETS = (6, 7, 9, 11, 12, 13, 15, 17, 18, 20)
_NAMES = (
    "Abs Add ArgMax AveragePool BatchNormalization Cast Celu Clip Concat Conv DepthToSpace DequantizeLinear Div "
    "Dropout Elu Erf Expand Flatten Gather Gelu Gemm GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish "
    "Identity InstanceNormalization LRN LayerNormalization LeakyRelu MatMul Max MaxPool Mean Min Mul Neg OneHot "
    "PRelu Pad Pow QuantizeLinear ReduceL2 ReduceMax ReduceMean ReduceSum Relu Reshape Resize Selu Shape Sigmoid "
    "Slice Softmax Softplus SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh Tile TopK Transpose Unsqueeze Where"
)
OPERATORS = tuple(_NAMES.split())
KIND = onnx.defs.OpSchema.AttrType


def constants(seed: int, shape: list[int]) -> dict[str, np.ndarray]:
    """Of shapes and types that nodes may want, whichever way round."""
    rng = np.random.default_rng(seed)
    floats = {"number": (), "one": (1,), "last": shape[-1:], "sample": shape, "row": [1, *shape], "wide": (3, 2)}
    floats["matrix"] = (int(np.prod(shape)), 3)
    integers = {"axis": (), "axes": (1,), "two": (2,), "three": (3,)}
    return {
        **{name: rng.standard_normal(sizes).astype(np.float32) for name, sizes in floats.items()},
        **{name: rng.integers(-2, 4, sizes) for name, sizes in integers.items()},
        "flat": np.array([-1]),
        "rows": np.array([1, -1]),
        "bytes": rng.integers(0, 9, shape[-1:]).astype(np.uint8),
        "yes": np.asarray(True),
    }


@st.composite
def attributes(draw: st.DrawFn, schema: onnx.defs.OpSchema) -> dict[str, Any]:
    """Some of an operator's attributes, with numbers that need not fit."""
    values: dict[str, Any] = {}
    for name, known in schema.attributes.items():
        if not (known.required or draw(st.booleans())):
            continue
        if known.type == KIND.INT:
            values[name] = draw(st.sampled_from([1, 7, 10] if name == "to" else [1, 0, 2, -1, 2**40]))
        elif known.type == KIND.FLOAT:
            values[name] = draw(st.sampled_from([0.5, 0.0, 1.0, -2.0]))
        elif known.type == KIND.INTS and name == "perm":
            values[name] = draw(st.permutations(range(draw(st.integers(1, 4)))))
        elif known.type == KIND.INTS:
            values[name] = draw(st.lists(st.integers(-2, 3), min_size=1, max_size=3))
    return values


@st.composite
def imports(draw: st.DrawFn) -> onnx.ModelProto:
    """A model of one to six nodes; its output is the last one's."""
    opset = draw(st.sampled_from(OPSETS))
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    held = constants(draw(st.integers(0, 99)), shape)
    made, nodes = ["x"], []
    for i, op in enumerate(draw(st.lists(st.sampled_from(OPERATORS), min_size=1, max_size=6))):
        if not onnx.defs.has(op, opset):
            continue
        schema = onnx.defs.get_schema(op, opset, "")
        most = min(schema.max_input, max(schema.min_input, 3))
        any_name = st.sampled_from([made[-1], made[-1], *made, *held])
        inputs = [draw(any_name) for _ in range(draw(st.integers(schema.min_input, most)))]
        nodes.append(helper.make_node(op, inputs, [f"t{i}"], name=f"n{i}", **draw(attributes(schema))))
        made.append(f"t{i}")
    nodes = nodes or [helper.make_node("Relu", ["x"], ["t0"], name="n0")]
    batch = draw(st.sampled_from([1, "n", 3]))
    proto = model(nodes, [batch, *shape], weights=held, opset=opset, ir_version=8 if opset > 6 else 3)
    proto.graph.output[0].CopyFrom(helper.make_value_info(nodes[-1].output[0], onnx.TypeProto()))
    if opset == 6:
        for tensor in proto.graph.initializer:
            proto.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return proto
