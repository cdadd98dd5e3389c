"""Constant sub-graphs of operators that emcc does not compile: folded by onnxruntime, within bounds."""

import resource
from pathlib import Path

import numpy as np
import onnx
import pytest
from models import model, node, onnxruntime_run, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.frontend import constants, runtime_constants
from emcc.frontend.refusal import Refusal
from emcc.ops import interpret

pytest.importorskip("onnxruntime")
RNG = np.random.default_rng(6)
V = RNG.standard_normal((2, 3)).astype(np.float32)
WEIGHTS = {
    "v": V,
    "image": RNG.standard_normal((1, 1, 2, 3)).astype(np.float32),
    "kernel": np.ones((1, 1, 2, 1), np.float32),
    "i": np.array([1, 0, 1]),
    "depth": np.asarray(3),
    "many": np.asarray(2**40),
    "values": np.float32([0, 1]),
    "pads": np.array([0, 0, 1, 0]),
    "wide": np.array([0, 0, 2**40, 0]),
    "scales": np.float32([1, 1, 1.5, 1]),
    "large": np.float32([1, 1, 1e5, 1e5]),
    "one": np.asarray(1),
    "minus": np.float32(-3),
    "row": np.ones((1, 1 << 20), np.float32),
    "column": np.ones((1 << 20, 1), np.float32),
}


def with_constant(*nodes: onnx.NodeProto, opset: int = 17, used: str = "c") -> onnx.ModelProto:
    """x [n, 3] plus what the nodes make of constants."""
    return model([*nodes, node("Add", ["x", used], "y", "use")], ["n", 3], weights=WEIGHTS, opset=opset)


CHAINS = {
    "function and norm": [node("Elu", ["v"], "e"), node("ReduceL2", ["e"], "c", axes=[0], keepdims=0)],
    "matrix product": [
        node("MatMul", ["v", "square"], "m"),
        node("ReduceSumSquare", ["m"], "c", axes=[0], keepdims=0),
    ],
    "classes": [
        node("Softmax", ["v"], "s"),
        node("ArgMax", ["s"], "a", axis=1),
        node("Cast", ["a"], "f", to=1),
        node("ReduceMean", ["f"], "c", keepdims=0),
    ],
    "padding": [node("Pad", ["v", "pads"], "p"), node("ReduceSum", ["p", "axes"], "c", keepdims=0)],
    "one-hot": [node("OneHot", ["i", "depth", "values"], "o"), node("ReduceMax", ["o"], "c", axes=[0], keepdims=0)],
    "sums": [node("Erf", ["v"], "e"), node("CumSum", ["e", "one"], "k"), node("ReduceMin", ["k"], "c", axes=[0])],
    "convolution": [node("Conv", ["image", "kernel"], "k"), node("Reshape", ["k", "three"], "c")],
    "resized": [
        node("Resize", ["image", "", "scales"], "r"),
        node("Slice", ["r", "from", "to", "at"], "s"),
        node("Reshape", ["s", "three"], "c"),
    ],
    "normalised": [
        node("Trilu", ["v"], "t"),
        node("Sin", ["t"], "s"),
        node("LpNormalization", ["s"], "l", axis=0),
        node("ReduceSum", ["l", "axes"], "c"),
    ],
}


@pytest.mark.parametrize("nodes", CHAINS.values(), ids=CHAINS)
def test_folded(tmp_path: Path, nodes: list[onnx.NodeProto]) -> None:
    proto = with_constant(*nodes)
    more = {
        "square": RNG.standard_normal((3, 3)).astype(np.float32), "axes": np.array([0]), "three": np.array([1, 3]),
        "from": np.array([0]), "to": np.array([1]), "at": np.array([2]),
    }  # fmt: skip
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in more.items())
    path = save(proto, tmp_path / "m.onnx")
    graph = frontend.load(path)
    assert [each.op for each in graph.nodes] == ["Add"]
    x = RNG.standard_normal((4, 3)).astype(np.float32)
    np.testing.assert_allclose(interpret.run(graph, x), onnxruntime_run(path, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (node("Pad", ["v", "wide"], "c", "it"), " elements (Pad)"),
        (node("OneHot", ["i", "many", "values"], "c", "it"), " elements (OneHot)"),
        (node("Resize", ["image", "", "large"], "c", "it"), "computes a constant of 6000000"),
        (node("HannWindow", ["many"], "c", "it"), "computes a constant of 1099511627776 elements"),
        (node("Mean", ["row", "column"], "c", "it"), "computes a constant of 1099511627776 elements"),
        (node("Einsum", ["row", "column"], "c", "it", equation="ij,kl->"), "takes 1099511627776 steps"),
        (node("MatMul", ["column", "row"], "c", "it"), "computes a constant of 1099511627776 elements"),
        (node("ConvTranspose", ["image", "kernel"], "c", "it", strides=[2**40, 1]), "has an attribute beyond"),
        (node("RandomNormal", [], "c", "it", shape=[3]), "draws random numbers"),
        (node("SequenceConstruct", ["v"], "c", "it"), "the size of a constant that SequenceConstruct computes"),
        (node("ConstantOfShape", ["half"], "c", "it"), "computes a constant of 536870912 elements"),
    ],
)
def test_bounded(tmp_path: Path, made: onnx.NodeProto, text: str) -> None:
    """What would be large, or cannot be told, is refused, and takes no memory on the way."""
    proto = with_constant(made)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1 << 29]), "half"))
    path = save(proto, tmp_path / "m.onnx")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 18, "a quarter of a gigabyte"
    assert text in str(caught.value)


@pytest.mark.parametrize(("held", "computed", "last"), [(20_000, 10**9, "n1"), (10**9, 48_000, "f3")])
def test_all_together_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int, computed: int, last: str
) -> None:
    """Many of a moderate size, made out of a few numbers or computed from each other, are as much as a large one."""
    monkeypatch.setattr(constants, "HELD", held)
    monkeypatch.setattr(constants, "COMPUTED", computed)
    monkeypatch.setattr(constants, "GROWS", 0)
    nodes = []
    for i in range(4):
        nodes += [node("ConstantOfShape", ["size"], f"f{i}", f"f{i}"), node("Neg", [f"f{i}"], f"n{i}", f"n{i}")]
    sums = [node("Add", ["x" if i == 0 else f"y{i - 1}", f"n{i}"], f"y{i}" if i < 3 else "y") for i in range(4)]
    proto = model([*nodes, *sums], (None, 2000), (None, 2000), {"size": np.array([2000])})
    with pytest.raises(EmccError, match=rf"'{last}'.* computes a constant of 2000 elements, after \d+ bytes in others"):
        frontend.load(save(proto, tmp_path / "m.onnx"))
    monkeypatch.setattr(constants, "HELD", 40_000)
    monkeypatch.setattr(constants, "COMPUTED", 64_000)
    assert frontend.load(tmp_path / "m.onnx").constants


def test_work_is_bounded_too() -> None:
    big = np.ones((1 << 12, 1 << 12), np.float32)
    with pytest.raises(Refusal, match="of 33554432 constants"):
        runtime_constants.evaluate(node("MatMul", ["a", "b"], "c"), 17, [big, big])
    with pytest.raises(Refusal, match=r"takes \d+ steps"):
        runtime_constants.evaluate(
            node("Conv", ["a", "b"], "c"), 17, [big[None, None, :1999, :1999], big[None, None, :1000, :1000]]
        )


def test_a_tensor_in_an_attribute_reads_no_file(tmp_path: Path) -> None:
    """Whatever file it names: onnx would."""
    (tmp_path / "secret").write_bytes(np.float32([7]).tobytes())
    tensor = onnx.TensorProto(name="t", dims=[1], data_type=1, data_location=onnx.TensorProto.EXTERNAL)
    for key, value in {"location": str(tmp_path / "secret"), "length": "4"}.items():
        tensor.external_data.add(key=key, value=value)
    made = node("ConstantOfShape", ["three"], "c", "it", value=tensor)
    proto = with_constant(made)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1, 3]), "three"))
    with pytest.raises(EmccError, match="attribute 'value' is stored outside the model"):
        frontend.load(save(proto, tmp_path / "m.onnx"))


def test_without_onnxruntime_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(with_constant(node("Elu", ["v"], "e", "it"), used="e"), tmp_path / "m.onnx")
    monkeypatch.setattr(runtime_constants, "installed", lambda: False)
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    assert "node 'it': emcc computes Elu of constants by onnxruntime, which is not installed (Elu)" in str(caught.value)


def test_control_flow_of_constants_is_refused(tmp_path: Path) -> None:
    body = onnx.helper.make_graph(
        [node("Relu", ["v"], "r")], "b", [], [onnx.helper.make_value_info("r", onnx.TypeProto())]
    )
    proto = with_constant(node("If", ["yes"], "c", "it", then_branch=body, else_branch=body))
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(True), "yes"))
    with pytest.raises(EmccError, match="If of constants has graphs inside"):
        frontend.load(save(proto, tmp_path / "m.onnx"))
