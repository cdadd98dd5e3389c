"""QONNX: Quant, BipolarQuant and Trunc mean what their definition says, of constants and of computed tensors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import node, save
from quantised_files import answers, compiled, meaning, single

from emcc import frontend
from emcc.ir.graph import Array
from emcc.passes.fold import Fold

DOMAIN = "qonnx.custom_op.general"
ROUND = {"ROUND": np.round, "FLOOR": np.floor, "CEIL": np.ceil, "ROUND_TO_ZERO": np.trunc}
RNG = np.random.default_rng(11)


def quant(x: Array, scale: Any, zero: float, bits: int, signed: int = 1, narrow: int = 0, mode: str = "ROUND") -> Array:
    """The definition (qonnx/custom_op/general/quant.py, as published): clip, round, take the scale again."""
    low = (-(2 ** (bits - 1)) + narrow) if signed else 0
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    return (ROUND[mode](np.clip(x / scale + zero, low, high)) - zero) * scale


@pytest.mark.parametrize("domain", [DOMAIN, "onnx.brevitas", "finn.custom_op.general"])
@pytest.mark.parametrize(
    ("bits", "narrow", "width"), [(8, 0, 8), (8, 1, 8), (4, 0, 4), (4, 1, 4), (2, 1, 2), (12, 0, 16)]
)
@pytest.mark.parametrize("channels", [False, True])
def test_weights(tmp_path: Path, domain: str, bits: int, narrow: int, width: int, channels: bool) -> None:
    weight = RNG.standard_normal((40, 30)).astype(np.float32)
    scale = (
        np.float32(np.abs(weight).max(axis=1, keepdims=True) / 2 ** (bits - 1)) if channels else np.float32(4 / 2**bits)
    )
    constants = {"w": weight, "s": scale, "z": np.float32(0), "b": np.float32(bits)}
    nodes = [
        node("Quant", ["w", "s", "z", "b"], "q", domain=domain, narrow=narrow),
        node("Gemm", ["x", "q"], "y", transB=1),
    ]
    graph = frontend.load(save(single(nodes, constants, ["n", 30]), tmp_path / "m.onnx"))
    wanted = quant(weight, scale, 0, bits, narrow=narrow)
    np.testing.assert_allclose(graph.constants[graph.nodes[0].inputs[1]], wanted, rtol=1e-6, atol=1e-7)
    shared, program = compiled(graph)
    (book,) = shared.codebooks.values()
    assert book.code_w == width
    assert book.identity == (width > 4)
    held = book.codes if book.identity else book.values[book.codes]
    np.testing.assert_array_equal(held, np.rint(wanted / scale))
    x = RNG.standard_normal((20, 30))
    np.testing.assert_allclose(answers(program, x), x @ wanted.T, atol=0.02)


def test_bipolar_weights(tmp_path: Path) -> None:
    weight = RNG.standard_normal((12, 9)).astype(np.float32)
    scale = RNG.uniform(0.1, 0.9, (12, 1)).astype(np.float32)
    nodes = [node("BipolarQuant", ["w", "s"], "q", domain=DOMAIN), node("Gemm", ["x", "q"], "y", transB=1)]
    graph = frontend.load(save(single(nodes, {"w": weight, "s": scale}, ["n", 9]), tmp_path / "m.onnx"))
    shared, program = compiled(graph)
    (book,) = shared.codebooks.values()
    assert book.code_w == 1
    assert set(book.values) == {-1.0, 1.0}
    assert program.steps[0].multiplier >= 0
    x = RNG.standard_normal((20, 9))
    np.testing.assert_allclose(answers(program, x), x @ (np.where(weight >= 0, 1, -1) * scale).T, atol=0.01)


@pytest.mark.parametrize(("bits", "signed"), [(2, 1), (3, 0), (4, 1), (8, 1), (8, 0)])
@pytest.mark.parametrize("width", [8, 16])
def test_activations(tmp_path: Path, bits: int, signed: int, width: int) -> None:
    """Few bits jump as they do in the model; of many, the range alone is left."""
    weight = RNG.standard_normal((8, 6)).astype(np.float32)
    scale = np.float32(4 / 2**bits)
    constants = {
        "ws": np.float32(1 / 16),
        "wb": np.float32(8),
        "s": scale,
        "b": np.float32(bits),
        "v": np.eye(8, dtype=np.float32),
    }
    quantised = node("Quant", ["h", "s", "zero", "b"], "q", domain=DOMAIN, signed=signed)
    nodes = [node("Quant", ["w", "ws", "zero", "wb"], "wq", domain=DOMAIN), node("Gemm", ["x", "wq"], "h", transB=1)]
    nodes += [quantised, node("MatMul", ["q", "v"], "y")]
    proto = single(nodes, {"w": weight, "zero": np.float32(0), **constants}, ["n", 6])
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    # Inputs that 8 bits hold, so that z alone is rounded.
    x = RNG.integers(-20, 21, (200, 6)).astype(np.float32) / 8
    hidden = x.astype(float) @ quant(weight, 1 / 16, 0, 8).T
    wanted = quant(hidden, scale, 0, bits, signed)
    near = np.abs(np.abs(hidden / scale % 1) - 0.5) < 1e-6
    np.testing.assert_allclose(np.where(near, 0, meaning(graph, x)), np.where(near, 0, wanted), atol=1e-5)
    got = answers(compiled(graph, width)[1], x)
    if bits <= 4:
        # z has a last place too: only what is near a jump may fall on its other side.
        room = 2.0 ** -(width - 3)
        jumps = np.abs((hidden / scale - 0.5) % 1)
        clear = np.minimum(jumps, 1 - jumps) * scale > room
        assert clear.mean() > 0.3
        np.testing.assert_allclose(got[clear], wanted[clear], atol=2.0 ** -(width - 5))
    else:
        inside = (hidden > (-1.9 if signed else 0)) & (hidden < 1.9)
        assert np.abs(got - wanted)[inside].max() < scale + 2.0 ** -(width - 5)


def test_bipolar_activations(tmp_path: Path) -> None:
    constants = {"ws": np.float32(1 / 16), "wb": np.float32(8), "s": np.float32(0.75), "v": np.eye(8, dtype=np.float32)}
    weight = RNG.standard_normal((8, 6)).astype(np.float32)
    nodes = [node("Quant", ["w", "ws", "zero", "wb"], "wq", domain=DOMAIN), node("Gemm", ["x", "wq"], "h", transB=1)]
    nodes += [node("BipolarQuant", ["h", "s"], "q", domain=DOMAIN), node("MatMul", ["q", "v"], "y")]
    proto = single(nodes, {"w": weight, "zero": np.float32(0), **constants}, ["n", 6])
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    x = RNG.standard_normal((100, 6))
    hidden = np.float32(x) @ quant(weight, 1 / 16, 0, 8).T
    wanted = np.where(hidden >= 0, 0.75, -0.75)
    np.testing.assert_array_equal(meaning(graph, np.float32(x)), wanted)
    clear = np.abs(hidden) > 1e-2
    np.testing.assert_allclose(answers(compiled(graph)[1], x)[clear], wanted[clear], atol=1e-3)


@pytest.mark.parametrize(("mode", "last"), [("FLOOR", 8), ("FLOOR", 4), ("ROUND", 5)])
def test_trunc(tmp_path: Path, mode: str, last: int) -> None:
    """The upper bits: what Brevitas has behind an average pool."""
    constants = {
        "s": np.float32(1 / 32),
        "zero": np.float32(0),
        "first": np.float32(10),
        "last": np.float32(last),
        "v": np.eye(6, dtype=np.float32),
    }
    nodes = [
        node("Trunc", ["x", "s", "zero", "first", "last"], "q", domain=DOMAIN, rounding_mode=mode),
        node("MatMul", ["q", "v"], "y"),
    ]
    graph = frontend.load(save(single(nodes, constants, ["n", 6]), tmp_path / "m.onnx"))
    integers = RNG.integers(-400, 400, (50, 6))
    wanted = ROUND[mode](integers / 2.0 ** (10 - last)) / 32
    np.testing.assert_allclose(meaning(graph, integers / 32), wanted, atol=1e-7)


def test_constant_trunc(tmp_path: Path) -> None:
    weight = np.float32(RNG.integers(-100, 100, (5, 6)) / 8)
    constants = {
        "w": weight,
        "s": np.float32(1 / 8),
        "zero": np.float32(0),
        "first": np.float32(8),
        "last": np.float32(5),
    }
    nodes = [
        node("Trunc", ["w", "s", "zero", "first", "last"], "q", domain=DOMAIN),
        node("Gemm", ["x", "q"], "y", transB=1),
    ]
    graph = frontend.load(save(single(nodes, constants, ["n", 6]), tmp_path / "m.onnx"))
    np.testing.assert_array_equal(graph.constants["q"], np.floor(weight) / 8)
    assert set(Fold().apply(graph).units) == {"q"}


@pytest.mark.parametrize("what", ["other operator", "standard"])
def test_what_is_not_qonnx(tmp_path: Path, what: str) -> None:
    from emcc.base.errors import EmccError

    domain = DOMAIN if what == "other operator" else ""
    nodes = [node("MultiThreshold" if domain else "Quant", ["x"], "y", domain=domain)]
    with pytest.raises(EmccError):
        frontend.load(save(single(nodes, {}, ["n", 6]), tmp_path / "m.onnx"))
