"""Einsum, If, Clip to computed bounds and onnxruntime's fused operators, as what they stand for, and numbers of other
kinds at both ends: against onnxruntime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from models import Shape, model, node, onnxruntime_run, save
from onnx import TensorProto, helper, numpy_helper
from quantised_files import as_written

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops import interpret

pytest.importorskip("onnxruntime")
RNG = np.random.default_rng(12)


def agrees(folder: Path, proto: onnx.ModelProto, shape: Shape) -> list[str]:
    """The operators that a model of three samples is read as; it is held against onnxruntime."""
    path = save(proto, folder / "m.onnx")
    graph = frontend.load(path)
    x = RNG.standard_normal([3, *shape[1:]]).astype(np.float32)
    wanted = as_written(proto, x)
    got = np.asarray(interpret.run(graph, x))
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
    return [each.op for each in graph.nodes if each.op != "Identity"]


@pytest.mark.parametrize(
    ("equation", "shape", "weight", "ops"),
    [
        ("bi,io->bo", (4,), (4, 3), ["MatMul"]),
        ("bi, oi -> bo", (4,), (3, 4), ["MatMul"]),
        ("...i,ij", (5, 4), (4, 3), None),
        ("abc,cde->abde", (5, 4), (4, 2, 3), None),
        ("abcd,cde->abe", (5, 2, 4), (2, 4, 3), None),
        ("abcd,cde->aeb", (5, 2, 4), (2, 4, 3), None),
        ("bij,i->bji", (5, 4), (5,), ["Mul", "Transpose"]),
        ("bhi,hij->bhj", (2, 4), (2, 4, 3), None),
        ("bij->bji", (5, 4), None, ["Transpose"]),
        ("bij->bj", (5, 4), None, None),
    ],
)
def test_einsum_with_a_constant(
    tmp_path: Path, equation: str, shape: Sequence[int], weight: Sequence[int] | None, ops: list[str] | None
) -> None:
    weights = {} if weight is None else {"w": RNG.standard_normal(weight).astype(np.float32)}
    for batch in ("n", 1):
        proto = model(
            [node("Einsum", ["x", *weights], "y", equation=equation)], [batch, *shape], weights=weights, opset=13
        )
        if batch == "n":
            read = agrees(tmp_path, proto, ["n", *shape])
            assert ops is None or read == ops
        else:
            frontend.load(save(proto, tmp_path / "one.onnx"))


@pytest.mark.parametrize(
    ("equation", "left", "right"),
    [
        ("aecd,abcd->acbe", [5, 2, 4], [5, 2, 4]),
        ("acbe,aecd->abcd", [2, 5, 5], [5, 2, 4]),
        ("bij,bjk->bik", [5, 4], [4, 5]),
        ("bij,bj->bi", [5, 4], [4]),
        ("bij,bi->bij", [5, 4], [5]),
    ],
)
def test_einsum_of_two_computed_tensors(tmp_path: Path, equation: str, left: list[int], right: list[int]) -> None:
    """As attention of Keras has them."""
    weights = {name: np.array([0, *sizes]) for name, sizes in (("left", left), ("right", right))} | {
        "many": np.array([int(np.prod(left)), int(np.prod(right))])
    }
    split = helper.make_node("Split", ["x", "many"], ["p", "q"], name="split", axis=1)
    nodes = [split, node("Reshape", ["p", "left"], "a"), node("Reshape", ["q", "right"], "b")]
    nodes.append(node("Einsum", ["a", "b"], "y", equation=equation))
    shape: Shape = ["n", int(np.prod(left) + np.prod(right))]
    agrees(tmp_path, model(nodes, shape, weights=weights), shape)


@pytest.mark.parametrize(
    ("equation", "why"),
    [
        ("bi,jk->bj", "it sums along"),
        ("bi,io->ob", "the batch is not the first axis"),
        ("bi,jk->bijk", "it is an outer product"),
        ("bb,bo->bo", "its equation is"),
        ("bi,io,o->bo", "its equation is"),
    ],
)
def test_other_einsums_are_refused(tmp_path: Path, equation: str, why: str) -> None:
    proto = model(
        [node("Einsum", ["x", "w"], "y", equation=equation)], ["n", 4], weights={"w": np.ones((4, 3), np.float32)}
    )
    with pytest.raises(EmccError, match=why):
        frontend.load(save(proto, tmp_path / "m.onnx"))


def branch(nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray] | None = None) -> onnx.GraphProto:
    """A branch whose last node's output it gives."""
    output = helper.make_value_info(nodes[-1].output[0], onnx.TypeProto())
    held = [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()]
    return helper.make_graph(nodes, "branch", [], [output], held)


def test_a_constant_if_is_its_branch(tmp_path: Path) -> None:
    """As torch exports a squeeze: the condition is made of a shape; both branches use the same names, and one of them
    an If of its own."""
    inner = branch([node("Relu", ["t"], "u"), node("Neg", ["u"], "t2")])
    other = branch([node("Abs", ["t"], "t2")])
    half = {"half": np.float32(0.5)}
    taken = branch(
        [
            node("Mul", ["m", "half"], "t"),
            node("If", ["yes"], "v", then_branch=inner, else_branch=other),
            node("Add", ["v", "m"], "r"),
        ],
        half,
    )
    left = branch([node("Flatten", ["m"], "r")])
    nodes = [
        *(node("MatMul", ["x", "w"], "m"), node("Shape", ["m"], "s"), node("Gather", ["s", "one"], "size")),
        *(node("Equal", ["size", "one"], "c"), node("If", ["c"], "z", then_branch=left, else_branch=taken)),
        node("Exp", ["z"], "y"),
    ]
    weights = {
        "w": RNG.standard_normal((4, 3)).astype(np.float32),
        "one": np.int64(1),
        "yes": np.array(True),
    }
    ops = agrees(tmp_path, model(nodes, ["n", 4], weights=weights), ["n", 4])
    assert ops == ["MatMul", "Mul", "Relu", "Mul", "Add", "Exp"]


@pytest.mark.parametrize("batch", [1, "n"])
def test_an_if_by_what_is_computed_chooses_between_both_branches(tmp_path: Path, batch: int | str) -> None:
    """As a keyword spotter has its verifier: the score of another network where the first one's is high."""
    second = branch([node("Gemm", ["x", "v"], "g"), node("Sigmoid", ["g"], "r")])
    nodes = [
        *(node("Gemm", ["x", "w"], "f"), node("Sigmoid", ["f"], "p"), node("GreaterOrEqual", ["p", "half"], "c")),
        node("If", ["c"], "y", then_branch=second, else_branch=branch([node("Identity", ["p"], "r")])),
    ]
    weights = {name: RNG.standard_normal((4, 1)).astype(np.float32) for name in "vw"} | {"half": np.float32(0.5)}
    proto = model(nodes, [batch, 4], weights=weights)
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    x = RNG.standard_normal((40, 4)).astype(np.float32)
    wanted = np.concatenate([as_written(proto, row[None]) for row in x])
    assert 5 < (x @ weights["w"] >= 0).sum() < 35
    np.testing.assert_allclose(interpret.run(graph, x), wanted, rtol=1e-4, atol=1e-5)


def test_the_branches_of_an_if_have_one_shape(tmp_path: Path) -> None:
    nodes = [
        *(node("ReduceMax", ["x"], "h", axes=[1], keepdims=1), node("Greater", ["h", "zero"], "c")),
        node(
            "If",
            ["c"],
            "y",
            then_branch=branch([node("Relu", ["x"], "r")]),
            else_branch=branch([node("Concat", ["x", "x"], "r", axis=1)]),
        ),
    ]
    with pytest.raises(EmccError, match=r"do not broadcast \(If\)"):
        frontend.load(save(model(nodes, [1, 4], weights={"zero": np.float32(0)}), tmp_path / "m.onnx"))


@pytest.mark.parametrize(
    ("low", "high", "made"),
    [
        ("l", "", ["Max"]),
        ("l", "inf", ["Max"]),
        ("-inf", "h", ["Min"]),
        ("l", "h", ["Max", "Min"]),
        ("l", "four", ["Max", "Clip"]),
        ("", "h", ["Min"]),
    ],
)
def test_a_clip_to_what_is_computed(tmp_path: Path, low: str, high: str, made: list[str]) -> None:
    """As a spectrogram leaves out what is far below its peak. The lower bound is above the upper for some samples."""
    nodes = [
        *(node("ReduceMax", ["x"], "p", keepdims=0), node("Sub", ["p", "one"], "l")),
        *(node("ReduceMean", ["x"], "m", keepdims=0), node("Mul", ["m", "four"], "h")),
        node("Clip", ["x", *([low, high] if high else [low])], "y"),
    ]
    weights = {name: np.float32(value) for name, value in {"one": 1, "four": 4, "inf": "inf", "-inf": "-inf"}.items()}
    proto = model(nodes, [1, 3, 4], weights=weights)
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    x = RNG.standard_normal((20, 3, 4)).astype(np.float32)
    wanted = np.concatenate([as_written(proto, row[None]) for row in x])
    np.testing.assert_allclose(np.reshape(interpret.run(graph, x), wanted.shape), wanted, rtol=1e-4, atol=1e-5)
    assert [each.op for each in graph.nodes if each.op in ("Clip", "Max", "Min")] == made


def fused(op: str, inputs: list[str], **attrs: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs, ["y"], name="n", domain="com.microsoft", **attrs)


@pytest.mark.parametrize(
    ("made", "shape"),
    [
        (fused("FusedConv", ["x", "k", "b"], activation="Relu", pads=[1, 1, 1, 1]), (3, 5, 5)),
        (fused("FusedConv", ["x", "k"], activation="LeakyRelu", activation_params=[0.1]), (3, 5, 5)),
        (fused("FusedConv", ["x", "k"], activation="Clip", activation_params=[-0.5, 0.5]), (3, 5, 5)),
        (fused("FusedConv", ["x", "k", "b", "add"], activation="Relu", kernel_shape=[3, 3]), (3, 5, 5)),
        (fused("FusedGemm", ["x", "w", "b"], activation="LeakyRelu", activation_alpha=0.3, transB=1), (4,)),
        (fused("FusedMatMul", ["x", "w"], transB=1, alpha=0.5), (4,)),
        (fused("Gelu", ["x"]), (4,)),
        (fused("BiasGelu", ["x", "g"]), (4,)),
        (fused("QuickGelu", ["x"], alpha=1.5), (4,)),
    ],
)
def test_fused_by_onnxruntime(tmp_path: Path, made: onnx.NodeProto, shape: Sequence[int]) -> None:
    sizes = {"k": (4, 3, 3, 3), "b": (4,), "w": (4, 4), "g": (4,)}
    weights = {name: RNG.standard_normal(size).astype(np.float32) for name, size in sizes.items() if name in made.input}
    nodes = [node("Conv", ["x", "k"], "add")] if "add" in made.input else []
    proto = model([*nodes, made], ["n", *shape], weights=weights)
    proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    agrees(tmp_path, proto, ["n", *shape])


@pytest.mark.parametrize("attrs", [{"activation": 3}, {"activation": "Clip"}, {"activation": "Softmax"}])
def test_a_fused_node_that_is_none(tmp_path: Path, attrs: dict[str, Any]) -> None:
    proto = model(
        [fused("FusedConv", ["x", "k"], **attrs)], ["n", 3, 5, 5], weights={"k": np.ones((4, 3, 3, 3), np.float32)}
    )
    proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(EmccError, match=r"its (inputs or attributes are none|function is 'Softmax')"):
        frontend.load(save(proto, tmp_path / "m.onnx"))


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL])
def test_whole_numbers_that_are_cast_at_once(tmp_path: Path, kind: int) -> None:
    """Features of a table: the input is one of floats."""
    nodes = [
        node("Flatten", ["x"], "f"),
        node("Cast", ["f"], "c", to=TensorProto.FLOAT),
        node("MatMul", ["c", "w"], "y"),
    ]
    proto = model(nodes, ["n", 2, 2], weights={"w": RNG.standard_normal((4, 3)).astype(np.float32)})
    proto.graph.input[0].type.tensor_type.elem_type = kind
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    assert graph.tensors["x"].dtype == "float32"
    x = RNG.integers(0, 2, (3, 2, 2))
    wanted = onnxruntime_run(proto, x.astype(helper.tensor_dtype_to_np_dtype(kind)))
    np.testing.assert_allclose(interpret.run(graph, x.astype(np.float32)), wanted, rtol=1e-5, atol=1e-6)
    proto.graph.node.append(node("Gather", ["w", "x"], "z"))
    proto.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    with pytest.raises(EmccError, match=r"(casts integers of the model's input to FLOAT|is BOOL, not FLOAT)"):
        frontend.load(save(proto, tmp_path / "both.onnx"), output=["y", "z"])


def test_whole_numbers_that_are_scaled(tmp_path: Path) -> None:
    """As scikit-learn's StandardScaler takes the columns of a table."""
    scaler = helper.make_node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=[3.0] * 4, scale=[0.5] * 4)
    proto = model([scaler, node("MatMul", ["s", "w"], "y")], ["n", 4], weights={"w": np.eye(4, dtype=np.float32)})
    proto.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    x = RNG.integers(0, 9, (3, 4))
    np.testing.assert_allclose(interpret.run(graph, x.astype(np.float32)), onnxruntime_run(proto, x), rtol=1e-6)


def test_a_class_as_a_number_of_another_kind(tmp_path: Path) -> None:
    """A Cast behind an ArgMax, and of a boolean at an output."""
    ends = [
        [node("ArgMax", ["m"], "a", axis=1), node("Cast", ["a"], "y", to=TensorProto.FLOAT)],
        [node("Greater", ["m", "zero"], "a"), node("Cast", ["a"], "y", to=TensorProto.INT64)],
    ]
    weights = {"w": RNG.standard_normal((4, 3)).astype(np.float32), "zero": np.float32(0)}
    for end in ends:
        kind = end[-1].attribute[0].i
        proto = model([node("MatMul", ["x", "w"], "m"), *end], ["n", 4], weights=weights, output_type=kind)
        agrees(tmp_path, proto, ["n", 4])
    nodes = [node("MatMul", ["x", "w"], "m"), node("Cast", ["m"], "y", to=TensorProto.UINT8)]
    path = save(model(nodes, ["n", 4], weights=weights), tmp_path / "m.onnx")
    with pytest.raises(EmccError, match="casts a computed tensor to UINT8") as caught:
        frontend.load(path)
    assert "--output 'm'" in (caught.value.hint or "")


@pytest.mark.parametrize(("kind", "low"), [(TensorProto.INT4, -8), (TensorProto.UINT4, 0)])
@pytest.mark.parametrize("raw", [False, True])
def test_weights_of_four_bits(tmp_path: Path, kind: int, low: int, raw: bool) -> None:
    """A scale a column; an odd number of weights."""
    integers = RNG.integers(low, low + 16, (5, 3))
    weight = helper.make_tensor("q", kind, (5, 3), integers.ravel().tolist())
    if raw:
        weight = numpy_helper.from_array(numpy_helper.to_array(weight), "q")
        assert weight.raw_data
    nodes = [node("DequantizeLinear", ["q", "s"], "w", axis=1), node("MatMul", ["x", "w"], "y")]
    proto = model(nodes, ["n", 5], weights={"s": np.float32([0.1, 0.25, 0.03])}, opset=21)
    proto.graph.initializer.append(weight)
    agrees(tmp_path, proto, ["n", 5])
    weight.ClearField("int32_data")
    weight.raw_data = b"123"
    proto.graph.initializer[-1].CopyFrom(weight)
    bad = save(proto, tmp_path / "bad.onnx")
    with pytest.raises(EmccError, match="8 bytes, but 3 are stored"):
        frontend.load(bad)
