"""Models that are not made of what emcc knows: each message is held to the letter."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import mlp, model, node, save
from onnx import TensorProto, helper

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.frontend.hints import hint_for

OUTPUTS = "\n  hint: name the tensor that such an output is made of: --output NAME"
BATCH = "\n  hint: keep the batch as the first axis of every tensor, e.g. Reshape to [0, -1], Flatten with axis=1"
W = {"w": np.ones((3, 3), np.float32)}


def message(proto: onnx.ModelProto, folder: Path) -> str:
    """What load says."""
    path = save(proto, folder / "m.onnx")
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    return str(caught.value).replace(f"{folder}/", "")


def test_cycle(tmp_path: Path) -> None:
    nodes = [node("Relu", ["b"], "a", "one"), node("Tanh", ["a"], "b", "two"), node("Add", ["x", "b"], "y")]
    assert message(model(nodes, ["n", 3]), tmp_path) == (
        "m.onnx: has a cycle\n  'one'\n  'two'\n  hint: a model must not depend on its own output"
    )


def test_undefined_tensors(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "weights"], "h"), node("Add", ["h", "bias"], "y")]
    assert message(model(nodes, ["n", 3]), tmp_path) == (
        "m.onnx: uses tensors that are not defined\n  'bias'\n  'weights'\n"
        "  hint: they are neither inputs, initializers nor computed: export the model again"
    )


def test_names_that_repeat(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], "y"), node("Tanh", ["x"], "y")]
    assert message(model(nodes, ["n", 3]), tmp_path) == (
        "m.onnx: defines a tensor more than once\n  'y'\n  hint: give every tensor a name of its own"
    )


def test_an_input_that_nothing_reads(tmp_path: Path) -> None:
    proto = mlp([3, 2])
    proto.graph.input.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, ["n", 3]))
    assert frontend.load(save(proto, tmp_path / "m.onnx")).inputs == ("x",)


def test_inputs_that_disagree(tmp_path: Path) -> None:
    nodes = [node("Add", ["x", "second"], "s"), node("MatMul", ["s", "w"], "y")]
    proto = model(nodes, [4, 3], weights=W)
    proto.graph.input.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, [5, 3]))
    assert message(proto, tmp_path).startswith(
        "m.onnx: its inputs are for different numbers of samples: 'x' 4, 'second' 5"
    )
    proto.graph.input[1].CopyFrom(helper.make_tensor_value_info("second", TensorProto.INT64, [4, 3]))
    assert "input 'second' is INT64, not FLOAT" in message(proto, tmp_path)


def test_no_inputs(tmp_path: Path) -> None:
    proto = model([node("Relu", ["w"], "y")], ["n", 3], weights=W)
    del proto.graph.input[:]
    assert "has no input" in message(proto, tmp_path)


def test_two_outputs_of_integers(tmp_path: Path) -> None:
    proto = mlp([3, 2, 2])
    proto.graph.output.append(helper.make_tensor_value_info("z0", TensorProto.INT64, None))
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    assert message(proto, tmp_path) == "m.onnx: has 2 outputs, and none of floats: 'z1', 'z0'" + OUTPUTS


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (["n", "k"], "input 'x' is ['n', 'k']: only the first axis, the batch, may be open"),
        (["n", 0], "input 'x' is ['n', 0]: it has no elements"),
        ([0, 3], "input 'x' is [0, 3]: it has no elements"),
        (["n"], "input 'x' is ['n']: it needs a batch axis in front of its features"),
        (None, "input 'x' has no shape"),
    ],
)
def test_input_shapes(tmp_path: Path, shape: list[int | str] | None, text: str) -> None:
    proto = model([node("Relu", ["x"], "y")], shape)
    assert message(proto, tmp_path).splitlines()[0] == f"m.onnx: {text}"


def test_integer_input(tmp_path: Path) -> None:
    proto = mlp([3, 2])
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    assert "input 'x' is INT64, not FLOAT" in message(proto, tmp_path)
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    assert "input 0 holds uint8, not floats" in message(proto, tmp_path)


def test_gates(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], "h"), node("Mul", ["h", "x"], "y", "gate")]
    graph = frontend.load(save(model(nodes, ["n", 3], weights=W), tmp_path / "m.onnx"))
    assert [(each.op, each.inputs) for each in graph.nodes[1:]] == [("Mul", ("h", "x"))]


def test_output_without_input(tmp_path: Path) -> None:
    proto = model([node("Relu", ["w"], "y")], ["n", 3], weights=W)
    assert message(proto, tmp_path).startswith("m.onnx: its output 'y' does not depend on its input")


def test_every_unsupported_node_is_named(tmp_path: Path) -> None:
    nodes = [
        node("Shrink", ["x"], "a", "first"),
        node("Relu", ["a"], "b", "fine"),
        node("MeanVarianceNormalization", ["b"], "c", "second"),
        helper.make_node("BiasSplitGelu", ["c"], ["d"], name="third", domain="com.microsoft"),
        node("Gemm", ["d", "w"], "y", "fourth", transA=1),
    ]
    assert message(model(nodes, ["n", 3], weights=W), tmp_path) == (
        "m.onnx: 4 nodes cannot be compiled\n"
        "  'first' (Shrink): operator Shrink is not supported by emcc\n"
        "  'second' (MeanVarianceNormalization): operator MeanVarianceNormalization is not supported by emcc\n"
        "  'third' (com.microsoft.BiasSplitGelu): BiasSplitGelu is not a standard operator, "
        "but one of the domain 'com.microsoft'\n"
        "  'fourth' (Gemm): transA=1 transposes the batch axis\n"
        f"  hint: {hint_for('Shrink')}; {hint_for('MeanVarianceNormalization')}; "
        "export with standard operators only; "
        "export it with transA=0"
    )


def test_control_flow(tmp_path: Path) -> None:
    one = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3]) for name in "vr"]
    body = helper.make_graph([node("Relu", ["v"], "r")], "b", one[:1], one[1:])
    text = message(model([node("Scan", ["x"], "y", "steps", body=body, num_scan_inputs=1)], [1, 3]), tmp_path)
    assert text.startswith("m.onnx: node 'steps': operator Scan is not supported by emcc (Scan)\n  hint: export")


def test_redefined_operator(tmp_path: Path) -> None:
    proto = mlp([3, 2, 2])
    opsets = [helper.make_opsetid("", 17)]
    proto.functions.append(helper.make_function("", "Relu", ["a"], ["b"], [node("Tanh", ["a"], "b")], opsets))
    assert "redefines standard operators: 'Relu'" in message(proto, tmp_path)
