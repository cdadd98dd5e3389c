"""Scales, zero points and axes of an untrusted file: one clear error each."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import node, save
from quantised_files import single

from emcc import frontend
from emcc.base.errors import EmccError

WEIGHT = np.arange(12, dtype=np.int8).reshape(3, 4)
BAD = [(0.0, "0"), (np.inf, "inf"), (np.nan, "nan"), (-0.5, "-0.5")]


def refusal(
    nodes: list[Any], weights: dict[str, Any], tmp_path: Path, shape: list[Any] | None = None, **more: Any
) -> str:
    """The one error."""
    with pytest.raises(EmccError) as error:
        frontend.load(save(single(nodes, weights, shape or ["n", 4], **more), tmp_path / "m.onnx"))
    assert error.value.hint
    return str(error.value)


@pytest.mark.parametrize(("scale", "said"), BAD)
@pytest.mark.parametrize("where", ["weights", "activations", "one channel", "QLinearMatMul", "Quant", "block"])
def test_scales_are_above_zero_and_finite(tmp_path: Path, scale: float, said: str, where: str) -> None:
    weights: dict[str, Any] = {"w": WEIGHT, "s": np.float32(scale), "one": np.float32(1), "z": np.int8(0)}
    more: dict[str, Any] = {}
    gemm = node("Gemm", ["x", "d"], "y", transB=1)
    match where:
        case "weights":
            nodes = [node("DequantizeLinear", ["w", "s"], "d"), gemm]
        case "one channel":
            weights["s"] = np.float32([1, scale, 2])
            nodes = [node("DequantizeLinear", ["w", "s"], "d", axis=0), gemm]
        case "block":
            weights["s"], more = np.float32([[1, scale], [1, 1], [1, 1]]), {"opset": 21}
            nodes = [node("DequantizeLinear", ["w", "s"], "d", axis=1, block_size=2), gemm]
        case "activations":
            nodes = [node("QuantizeLinear", ["x", "s", "z"], "q"), node("DequantizeLinear", ["q", "s", "z"], "y")]
        case "QLinearMatMul":
            weights["t"] = WEIGHT.T
            nodes = [node("QuantizeLinear", ["x", "one", "z"], "q")]
            nodes += [node("QLinearMatMul", ["q", "one", "z", "t", "s", "z", "one", "z"], "y")]
        case _:
            weights |= {"f": WEIGHT.astype(np.float32), "b": np.float32(4), "zf": np.float32(0)}
            nodes = [node("Quant", ["f", "s", "zf", "b"], "d", domain="qonnx.custom_op.general"), gemm]
    message = refusal(nodes, weights, tmp_path, **more)
    assert f"its scale 's' is {said}" in message
    assert "scales are above 0 and finite" in message
    assert ("at [1]" in message) == (where in ("one channel", "block"))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_a_zero_point_is_of_the_type_of_the_integers(tmp_path: Path, dtype: type[np.generic]) -> None:
    weights = {"w": WEIGHT, "s": np.float32(1), "z": np.zeros((), dtype)}
    nodes = [node("DequantizeLinear", ["w", "s", "z"], "d"), node("Gemm", ["x", "d"], "y", transB=1)]
    name = np.dtype(dtype).name
    assert f"its zero point 'z' is {name}, its integers int8" in refusal(nodes, weights, tmp_path)


def test_a_computed_tensor_is_read_by_the_type_it_was_written_in(tmp_path: Path) -> None:
    weights = {"s": np.float32(1), "z": np.int8(0), "u": np.uint8(0)}
    nodes = [node("QuantizeLinear", ["x", "s", "z"], "q"), node("DequantizeLinear", ["q", "s", "u"], "y")]
    assert "its zero point 'u' is uint8, its integers int8" in refusal(nodes, weights, tmp_path)


@pytest.mark.parametrize("axis", [2, -3, 7])
@pytest.mark.parametrize("computed", [False, True])
def test_an_axis_that_is_not_there(tmp_path: Path, axis: int, computed: bool) -> None:
    weights = {"w": WEIGHT, "s": np.ones(3, np.float32)}
    nodes = [node("DequantizeLinear", ["w", "s"], "d", axis=axis), node("Gemm", ["x", "d"], "y", transB=1)]
    if computed:
        nodes = [
            node("QuantizeLinear", ["x", "s"], "q", axis=axis),
            node("DequantizeLinear", ["q", "s"], "y", axis=axis),
        ]
    assert f"its scales lie along axis {axis} of 2" in refusal(nodes, weights, tmp_path)


def test_scales_of_another_number_than_elements(tmp_path: Path) -> None:
    weights = {"w": WEIGHT, "s": np.ones(3, np.float32), "z": np.zeros(2, np.int8)}
    nodes = [node("DequantizeLinear", ["w", "s"], "d", axis=1), node("Gemm", ["x", "d"], "y", transB=1)]
    assert "3 scales lie along axis 1, which has 4 elements" in refusal(nodes, weights, tmp_path)
    nodes[0] = node("DequantizeLinear", ["w", "s", "z"], "d", axis=0)
    assert "its zero point 'z' is [2], its scale has 3 numbers" in refusal(nodes, weights, tmp_path)
    weights["s"] = np.ones((3, 1), np.float32)
    assert "its scale 's' is float32 [3, 1]" in refusal(nodes, weights, tmp_path)


def test_scales_along_the_batch(tmp_path: Path) -> None:
    weights = {"s": np.ones(3, np.float32)}
    nodes = [node("QuantizeLinear", ["x", "s"], "q", axis=0), node("DequantizeLinear", ["q", "s"], "y", axis=0)]
    assert "its scales lie along the batch axis" in refusal(nodes, weights, tmp_path, [3, 4])


def test_integers_that_nobody_takes_to_floats(tmp_path: Path) -> None:
    weights = {"s": np.float32(1), "z": np.int8(0), "w": np.eye(4, dtype=np.float32)}
    nodes = [node("QuantizeLinear", ["x", "s", "z"], "q"), node("MatMul", ["q", "w"], "y")]
    assert "input 0 holds int8, not floats" in refusal(nodes, weights, tmp_path)
    nodes = [node("DequantizeLinear", ["x", "s", "z"], "y")]
    assert "input 0 holds float32, not integers of 8 or 16 bits" in refusal(nodes, weights, tmp_path)


def test_joined_integers_have_one_scale(tmp_path: Path) -> None:
    from emcc.passes.fold import Fold

    weights = {"s": np.float32(1), "t": np.float32(2), "z": np.int8(0)}
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], "a"),
        node("QuantizeLinear", ["x", "t", "z"], "b"),
        node("Concat", ["a", "b"], "c", "joined", axis=1),
        node("DequantizeLinear", ["c", "s", "z"], "y"),
    ]
    graph = frontend.load(save(single(nodes, weights, ["n", 4]), tmp_path / "m.onnx"))
    with pytest.raises(EmccError, match="node 'joined': it joins integers of different scales"):
        Fold().apply(graph)


def test_dynamic_scales_of_both(tmp_path: Path) -> None:
    """Two computed matrices have no weights."""
    nodes = [node("DynamicQuantizeLinear", ["x"], "q"), node("MatMulInteger", ["q", "q", "z", "z"], "y")]
    nodes[0].output.extend(["s", "z"])
    assert "is computed from the model's input" in refusal(nodes, {}, tmp_path, [4, 4], output_type=6)


@pytest.mark.parametrize(
    ("inputs", "attrs", "said"),
    [
        (["f", "s", "z"], {}, "has 3 inputs, Quant has 4"),
        (["f", "s", "z", "b"], {"signd": 1}, "attribute 'signd' is not one of narrow, rounding_mode, signed"),
        (["f", "s", "z", "b"], {"rounding_mode": "UP"}, "rounds by 'UP'"),
        (["f", "s", "z", "half"], {}, "its bit width 'half' is not one whole number from 1 to 32"),
        (["f", "s", "half", "b"], {}, "its zero point 'half' is not whole"),
        (["f", "two", "z", "b"], {}, "numbers of shape [5] do not fit [3, 4]"),
        (["n", "s", "z", "b"], {}, "its constant 'n' is float32 [3, 4], or not finite"),
    ],
)
def test_qonnx(tmp_path: Path, inputs: list[str], attrs: dict[str, Any], said: str) -> None:
    floats = WEIGHT.astype(np.float32)
    weights = {
        "f": floats, "s": np.float32(0.5), "z": np.float32(0), "b": np.float32(4), "half": np.float32(0.5),
        "two": np.ones(5, np.float32), "n": floats * np.nan,
    }  # fmt: skip
    nodes = [
        node("Quant", inputs, "d", domain="qonnx.custom_op.general", **attrs),
        node("Gemm", ["x", "d"], "y", transB=1),
    ]
    assert said in refusal(nodes, weights, tmp_path)
