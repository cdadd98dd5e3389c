"""Models that go to integers and back are taken as they are: their integers, their ranges, and what they mean."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from models import node, onnxruntime_run, save
from quantised_files import answers, as_written, compiled, meaning, network, random_integers, single

from emcc import frontend
from emcc.ir.codebook import looked_up_in
from emcc.ops import interpret
from emcc.passes.fold import Fold

KINDS = list(product(("int8", "uint8"), (False, True), ("int8", "uint8")))


@pytest.mark.parametrize(("weights", "channels", "acts"), KINDS)
def test_a_network_of_integers(tmp_path: Path, weights: str, channels: bool, acts: str) -> None:
    """The import means what onnxruntime computes; integers of weights are those of the file; classes agree."""
    rng = np.random.default_rng([len(weights), channels, len(acts)])
    proto, codes = network(rng, weights, channels, acts)
    path = save(proto, tmp_path / "m.onnx")
    graph = frontend.load(path)
    x = random_integers(rng, (50, 5, 6, 3), acts)
    wanted = as_written(proto, x)
    steps = np.abs(np.asarray(interpret.run(graph, x.astype(float))) - wanted)
    assert (steps > 0).mean() < 0.03
    assert steps.max() <= 1

    folded = Fold().apply(graph)
    assert not any(each.op.endswith("Linear") and each.op != "Linear" for each in folded.nodes)
    assert set(folded.affines) == {"x", "y"}
    assert folded.affines["x"].scale == np.float32(0.03)
    shared, program = compiled(graph)
    for name, integers in codes.items():
        book = shared.codebooks[name]
        held = book.codes if book.identity else book.values[book.codes].astype(np.int64)
        np.testing.assert_array_equal(held, integers.T if name == "w2" else integers)
        assert book.identity == (weights == "int8" or np.abs(integers).max() <= 127)
        assert (book.scale.size == 1 or np.ptp(book.scale) > 0) == (book.scale.size == 1 or channels)
    first = program.steps[0]
    if weights == "int8":
        assert first.codebook == -1
        assert first.multiplier >= 0
        assert np.abs(looked_up_in(program.slices[first.slices].code, None)).max() <= 127
    ordered = np.sort(wanted.astype(int), axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 1
    assert clear.sum() >= 5
    for bits, off in ((16, 0.05), (8, 4.0)):
        got = answers(compiled(graph, bits)[1], x)
        assert np.abs(got - meaning(folded, x)).max() < off
        assert (got.argmax(1) == wanted.argmax(1))[clear].mean() >= (1 if bits == 16 else 0.8)


def test_a_range_that_begins_at_zero_is_a_relu(tmp_path: Path) -> None:
    """onnxruntime's quantiser leaves out a Relu, or a Clip to 6, whose range the integers have anyway."""
    rng = np.random.default_rng(3)
    weights = {"w": rng.standard_normal((4, 3)).astype(np.float32), "zero": np.uint8(0)}
    x = rng.standard_normal((64, 3)).astype(np.float32) * 4
    for scale, op in ((6 / 255, "Clip"), (12 / 255, "Relu")):
        grid = ["scale", "zero"]
        nodes = [node("Gemm", ["x", "w"], "h", transB=1), node("QuantizeLinear", ["h", *grid], "q")]
        nodes.append(node("DequantizeLinear", ["q", *grid], "y"))
        proto = single(nodes, {**weights, "scale": np.float32(scale)}, ["n", 3])
        folded = Fold().apply(frontend.load(save(proto, tmp_path / "m.onnx")))
        assert [each.op for each in folded.nodes] == ["Linear", op]
        assert folded.ranges["y"] == pytest.approx((0, 255 * scale))
        assert np.abs(meaning(folded, x) - onnxruntime_run(proto, x)).max() <= scale / 2 + 1e-5 or op == "Relu"


def test_other_scales_behind_are_arithmetic(tmp_path: Path) -> None:
    """Integers that are read on another grid than they were written on are other numbers."""
    weights = {
        "a": np.float32(0.1),
        "b": np.float32(0.25),
        "za": np.int8(3),
        "zb": np.int8(-9),
        "w": np.eye(3, dtype=np.float32),
    }
    nodes = [
        node("QuantizeLinear", ["x", "a", "za"], "q"),
        node("Reshape", ["q", "shape"], "r"),
        node("DequantizeLinear", ["r", "b", "zb"], "d"),
        node("MatMul", ["d", "w"], "y"),
    ]
    proto = single(nodes, {**weights, "shape": np.array([-1, 3])}, ["n", 3])
    folded = Fold().apply(frontend.load(save(proto, tmp_path / "m.onnx")))
    x = np.float32([[0.1, -3.0, 7.7], [1.2, 0, -0.4]])
    np.testing.assert_allclose(meaning(folded, x), onnxruntime_run(proto, x), atol=0.25 / 2 + 1e-5)


@pytest.mark.parametrize("bias", [False, True])
def test_convolutions_and_products_of_integers(tmp_path: Path, bias: bool) -> None:
    """QLinearConv and QLinearMatMul."""
    rng = np.random.default_rng(5)
    weights = {
        "xs": np.float32(0.05), "xz": np.uint8(120), "w": random_integers(rng, (4, 2, 3, 3), "int8"),
        "ws": rng.uniform(0.01, 0.03, 4).astype(np.float32), "wz": np.zeros(4, np.int8), "ys": np.float32(0.6),
        "yz": np.uint8(100), "b": rng.integers(-900, 900, 4).astype(np.int32), "shape": np.array([-1, 36]),
        "m": random_integers(rng, (36, 3), "int8"), "ms": np.float32(0.02), "mz": np.int8(0), "os": np.float32(4.0),
        "oz": np.uint8(128),
    }  # fmt: skip
    nodes = [
        node("QuantizeLinear", ["x", "xs", "xz"], "q"),
        node("QLinearConv", ["q", "xs", "xz", "w", "ws", "wz", "ys", "yz", *["b"] * bias], "c"),
        node("Reshape", ["c", "shape"], "r"),
        node("QLinearMatMul", ["r", "ys", "yz", "m", "ms", "mz", "os", "oz"], "o"),
        node("DequantizeLinear", ["o", "os", "oz"], "y"),
    ]
    proto = single(nodes, weights, ["n", 2, 5, 5])
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    x = rng.standard_normal((40, 2, 5, 5)).astype(np.float32) * 2
    wanted = onnxruntime_run(proto, x)
    assert (np.abs(meaning(graph, x) - wanted) < 1e-4).mean() > 0.97
    shared, program = compiled(graph)
    assert all(book.identity and book.code_w == 8 for book in shared.codebooks.values())
    assert np.abs(answers(program, x) - meaning(Fold().apply(graph), x)).max() < 0.2
    np.testing.assert_array_equal(next(iter(shared.codebooks.values())).codes, weights["w"])


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_sums_of_integers(tmp_path: Path, dtype: str) -> None:
    """ConvInteger, a Cast, and a scale behind it, which the layer takes up."""
    rng = np.random.default_rng(6)
    zero = np.array(-3 if dtype == "int8" else 128, dtype)
    weights = {"w": random_integers(rng, (3, 2, 2, 2), dtype), "xz": np.uint8(7), "wz": zero, "s": np.float32(0.004)}
    weights["b"] = np.float32([1, 2, -1]).reshape(3, 1, 1)
    nodes = [
        node("ConvInteger", ["x", "w", "xz", "wz"], "c"),
        node("Cast", ["c"], "f", to=1),
        node("Mul", ["f", "s"], "m"),
        node("Add", ["m", "b"], "y"),
    ]
    proto = single(nodes, weights, ["n", 2, 4, 4])
    proto.graph.input[0].type.tensor_type.elem_type = 2
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    x = random_integers(rng, (20, 2, 4, 4), "uint8")
    wanted = as_written(proto, x)
    np.testing.assert_allclose(meaning(graph, x), wanted.reshape(20, -1), rtol=1e-4, atol=1e-4)
    shared, program = compiled(graph)
    (book,) = shared.codebooks.values()
    integers = weights["w"].astype(int) - int(weights["wz"])
    held = book.codes if book.identity else book.values[book.codes]
    np.testing.assert_array_equal(held, integers)
    np.testing.assert_allclose(book.scale, 0.004, rtol=1e-6)
    np.testing.assert_allclose(answers(program, x), wanted.reshape(20, -1), atol=2e-2)


def test_dynamic_quantisation(tmp_path: Path) -> None:
    """DynamicQuantizeLinear, MatMulInteger, Cast, Mul: what it rounds anew for every batch is not rounded here."""
    rng = np.random.default_rng(7)
    weights = {"w": random_integers(rng, (6, 5), "int8"), "wz": np.int8(0), "ws": np.float32(0.01)}
    weights["b"] = rng.standard_normal(5).astype(np.float32)
    nodes = [
        node("DynamicQuantizeLinear", ["x"], "q"),
        node("MatMulInteger", ["q", "w", "qz", "wz"], "i"),
        node("Cast", ["i"], "f", to=1),
        node("Mul", ["qs", "ws"], "s"),
        node("Mul", ["f", "s"], "m"),
        node("Add", ["m", "b"], "y"),
    ]
    nodes[0].output.extend(["qs", "qz"])
    proto = single(nodes, weights, ["n", 6])
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    x = rng.standard_normal((30, 6)).astype(np.float32)
    wanted = onnxruntime_run(proto, x)
    assert np.abs(meaning(graph, x) - wanted).max() < 0.05 * np.abs(wanted).max()
    shared, program = compiled(graph)
    (book,) = shared.codebooks.values()
    np.testing.assert_array_equal(book.codes, weights["w"].T)
    np.testing.assert_allclose(answers(program, x), meaning(graph, x), atol=1e-2)


def test_integers_behind_the_host_stay(tmp_path: Path) -> None:
    """A Softmax whose probabilities are integers: the host rounds them, and classes are made of these."""
    weights = {
        "w": np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32),
        "s": np.float32(1 / 256),
        "z": np.int8(-128),
    }
    nodes = [node("MatMul", ["x", "w"], "h"), node("Softmax", ["h"], "p"), node("QuantizeLinear", ["p", "s", "z"], "y")]
    proto = single(nodes, weights, ["n", 3], output_type=3)
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    folded = Fold().apply(graph)
    assert [op for op, _ in folded.host] == ["Softmax", "QuantizeLinear"]
    x = np.random.default_rng(2).standard_normal((20, 3)).astype(np.float32)
    wanted = as_written(proto, x)
    np.testing.assert_array_equal(meaning(folded, x), wanted)
    assert np.abs(answers(compiled(graph)[1], x) - wanted).max() <= 1
