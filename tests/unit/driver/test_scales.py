"""Scales from end to end: raw units, normalisation in front, a glitch, an output that is mostly a constant."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import model, node, onnxruntime_run, save

from emcc.container import decode
from emcc.driver.compile import compile_model
from emcc.driver.compress import compress_model
from emcc.driver.request import CompileOptions, CompressOptions
from emcc.eie import reference
from emcc.eie.store import load_program
from emcc.files.artefact import Artefact
from emcc.ops import interpret
from emcc.samples.sampling import dequantised, quantised

UNITS = np.float32([500, 10, 0.2, 3])
MIDDLES = np.float32([101325, 293.15, 0.5, 10])


def readings(rows: int, seed: int = 0) -> np.ndarray:
    """Pressure in Pa, temperature in K, humidity, wind."""
    noise = np.random.default_rng(seed).standard_normal((rows, 4)).astype(np.float32)
    return noise * UNITS + MIDDLES


def eighths(*shape: int) -> np.ndarray:
    return (np.random.default_rng(1).integers(-12, 13, shape) / 8).astype(np.float32)


def emcc(tmp_path: Path, proto: Any, x: np.ndarray | None, recipe: str = "", **options: Any) -> tuple[Artefact, Any]:
    """(the artefact, emcc.json) of a compile that keeps weights, unless said otherwise."""
    more: dict[str, Any] = {"keep_weights": True} | options
    if x is not None:
        np.savez(tmp_path / "data.npz", x=x)
        more["data"] = tmp_path / "data.npz"
    if recipe:
        (tmp_path / "recipe.toml").write_text(recipe)
        more["recipe"] = tmp_path / "recipe.toml"
    artefact = compile_model(CompileOptions(save(proto, tmp_path / "model.onnx"), **more))
    return artefact, json.loads(artefact.files["emcc.json"])


def answers(artefact: Artefact, x: np.ndarray) -> np.ndarray:
    """The outputs, by program.npz; model.emc alone and the numbers of emcc.json alone give the same."""
    program, held = load_program(artefact.files["program.npz"]), decode(artefact.files["model.emc"])
    taken = quantised(program, x)
    given = reference.run(program, taken)
    np.testing.assert_array_equal(taken, interpret.integers(held, x).reshape(taken.shape))
    np.testing.assert_array_equal(given, interpret.run(held, interpret.integers(held, x)).reshape(given.shape))
    ends = json.loads(artefact.files["emcc.json"])["model"]
    scale, offset = (np.array(ends["input"][part]) for part in ("scale", "offset"))
    exact = (x.reshape(len(x), -1).astype(np.float64) - offset) * scale * 2.0 ** ends["input"]["frac_bits"]
    np.testing.assert_array_equal(taken, np.clip(np.floor(exact + 0.5), -32768, 32767))
    y = dequantised(program, given)
    np.testing.assert_array_equal(y, interpret.answers(held, x).reshape(y.shape))
    scale, offset = (np.array(ends["output"][part]) for part in ("scale", "offset"))
    np.testing.assert_array_equal(y, given * 2.0 ** -ends["output"]["frac_bits"] * scale + offset)
    return y


def explained(truth: np.ndarray, y: np.ndarray) -> float:
    """The least share of an output's variance."""
    return float((1 - np.square(y - truth).mean(0) / truth.var(0)).min())


@pytest.mark.parametrize("with_data", [True, False])
def test_a_scaler_inside_of_the_model_is_the_hosts(tmp_path: Path, with_data: bool) -> None:
    """(x - mean) / std over units that no one scale holds; the weights, all of them eighths, keep their codebook."""
    nodes = [node("Sub", ["x", "m"], "d"), node("Div", ["d", "s"], "q"), node("Gemm", ["q", "w", "b"], "y", transB=1)]
    proto = model(nodes, ["n", 4], ["n", 3], {"m": MIDDLES, "s": UNITS, "w": eighths(3, 4), "b": eighths(3)})
    artefact, manifest = emcc(tmp_path, proto, readings(200) if with_data else None)
    seen = readings(100, 1)
    assert explained(onnxruntime_run(proto, seen), answers(artefact, seen)) > 0.9999
    assert manifest["scales"]["inputs"] == "model"
    offsets = MIDDLES.tolist() if with_data else [*MIDDLES.tolist()[:2], 0.0, 0.0]
    assert manifest["model"]["input"]["offset"] == offsets, "without data, none that is worth less than 3 bits"
    assert manifest["compression"]["layers"][0]["entries"] == np.unique(eighths(3, 4)[eighths(3, 4) != 0]).size
    assert not [warning for warning in manifest["warnings"] if "scale" in warning]


def test_batch_normalisation_of_raw_features(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    norm = {"g": rng.uniform(0.5, 2, 4), "o": rng.normal(size=4), "m": MIDDLES, "v": np.square(UNITS)}
    layers = {"w0": rng.normal(size=(16, 4)), "b0": rng.normal(size=16), "w1": rng.normal(size=(2, 16))}
    weights = {name: np.float32(value) for name, value in {**norm, **layers}.items()}
    nodes = [
        node("BatchNormalization", ["x", "g", "o", "m", "v"], "n"),
        node("Gemm", ["n", "w0", "b0"], "h", transB=1),
        node("Relu", ["h"], "r"),
        node("Gemm", ["r", "w1"], "y", transB=1),
    ]
    proto = model(nodes, ["n", 4], ["n", 2], weights)
    artefact, manifest = emcc(tmp_path, proto, readings(300))
    seen = readings(200, 3)
    assert explained(onnxruntime_run(proto, seen), answers(artefact, seen)) > 0.9999
    assert manifest["scales"]["inputs"] == "model"
    _, before = emcc(tmp_path, proto, readings(300), '[scale]\ninputs = "none"\noutputs = false\n')
    assert before["model"]["input"]["scale"] == [1.0]
    [warning] = [warning for warning in before["warnings"] if "one scale for all inputs loses" in warning]
    assert "3 of 4 features of 'x' (number 1, 2, 3)" in warning
    assert "[scale]" in warning


def test_raw_units_without_a_scaler_get_scales_from_the_data(tmp_path: Path) -> None:
    """Weights that undo the units themselves. Zeros stay zeros in a feature that is mostly 0."""
    rng = np.random.default_rng(4)
    rare = np.where(rng.random((400, 1)) < 0.1, rng.uniform(1e-4, 1e-3, (400, 1)), 0).astype(np.float32)
    x = np.concatenate([readings(400), rare, np.full((400, 1), 7.0, np.float32)], axis=1)
    weight = (rng.normal(size=(5, 6)) / [*UNITS, 1e-3, 1]).astype(np.float32)
    bias = (-weight[:, :4] @ MIDDLES).astype(np.float32)
    proto = model([node("Gemm", ["x", "w", "b"], "y", transB=1)], ["n", 6], ["n", 5], {"w": weight, "b": bias})
    artefact, manifest = emcc(
        tmp_path, proto, x, keep_weights=False, recipe="[prune]\nsparsity = 0.0\n[share]\nbits = 8\n"
    )
    assert manifest["scales"]["inputs"] == "data"
    assert explained(onnxruntime_run(proto, x), answers(artefact, x)) > 0.999
    program = load_program(artefact.files["program.npz"])
    taken = quantised(program, x)
    assert not taken[x[:, 4] == 0, 4].any()
    assert not taken[:, 5].any(), "what never moves is 0, which the array skips"


def test_weights_that_are_kept_are_not_rescaled_but_the_loss_is_told(tmp_path: Path) -> None:
    """300 x 4 ternary weights: scales a feature would need 8 values instead of 2, and a wider code."""
    weight = np.random.default_rng(5).choice(np.float32([-1, 0, 1]), (30, 4))
    proto = model([node("Gemm", ["x", "w"], "y", transB=1)], ["n", 4], ["n", 30], {"w": weight})
    x = np.random.default_rng(6).standard_normal((200, 4)).astype(np.float32) * np.float32([1e6, 1e6, 1, 1])
    # Sums of the small features alone are what the model is for.
    weight[:15, :2] = 0
    proto = model([node("Gemm", ["x", "w"], "y", transB=1)], ["n", 4], ["n", 30], {"w": weight})
    _, manifest = emcc(tmp_path, proto, x)
    assert manifest["scales"]["inputs"] == "none"
    assert manifest["compression"]["layers"][0]["code_w"] == 2
    [warning] = [warning for warning in manifest["warnings"] if "one scale for all inputs loses" in warning]
    assert "2 of 4 features of 'x' (number 2, 3)" in warning
    assert "would need 16 instead of 4 distinct weights" in warning


def test_a_glitch_is_left_out_and_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    x = rng.standard_normal((400, 30)).astype(np.float32)
    weights = {"w": np.float32(rng.normal(size=(8, 30))), "v": np.float32(rng.normal(size=(3, 8)))}
    nodes = [node("Gemm", ["x", "w"], "h", transB=1), node("Relu", ["h"], "r"), node("Gemm", ["r", "v"], "y", transB=1)]
    proto = model(nodes, ["n", 30], ["n", 3], weights)
    seen = rng.standard_normal((100, 30)).astype(np.float32)
    x[7, 3] = 1e30
    artefact, manifest = emcc(tmp_path, proto, x)
    assert explained(onnxruntime_run(proto, seen), answers(artefact, seen)) > 0.999
    [warning] = [warning for warning in manifest["warnings"] if "outside" in warning]
    assert "a sample is far outside the other 399: sample 7, whose feature 3 is 1e+30" in warning
    assert [(each["sample"], each["feature"]) for each in manifest["scales"]["left_out"]] == [(7, 3)]
    assert any("1 left out as far outside" in step["did"] for step in manifest["passes"])


@pytest.mark.parametrize("with_data", [True, False])
def test_a_constant_in_the_output_is_the_hosts(tmp_path: Path, with_data: bool) -> None:
    """y = x + 273.15: 16 bits of x, not of 333."""
    weights = {"w": np.float32([[1]]), "b": np.float32([273.15])}
    proto = model([node("Gemm", ["x", "w", "b"], "y", transB=1)], ["n", 1], ["n", 1], weights)
    x = np.random.default_rng(8).uniform(-40, 60, (400, 1)).astype(np.float32)
    recipe = "" if with_data else "[calibrate]\nreach = 60.0\n"
    artefact, _ = emcc(tmp_path, proto, x if with_data else None, recipe)
    assert np.abs(answers(artefact, x) - (x + 273.15)).max() < 0.004


def test_a_layer_that_lost_all_weights_is_told(tmp_path: Path) -> None:
    proto = model([node("Gemm", ["x", "w"], "y", transB=1)], ["n", 1], ["n", 1], {"w": np.float32([[1]])})
    _, manifest = emcc(tmp_path, proto, None, "[prune]\nsparsity = 0.9\n", keep_weights=False)
    assert any("has no weight left: what it gives is constant" in warning for warning in manifest["warnings"])


def test_compress_scales_too_and_its_onnx_means_the_same(tmp_path: Path) -> None:
    """A glitch, raw units, a constant in the output: model.emc in integers and compressed.onnx in floats."""
    weight = (np.random.default_rng(9).normal(size=(3, 4)) / UNITS).astype(np.float32)
    weights = {"w": weight, "b": np.float32([1e4, -1e4, 0]) - (weight @ MIDDLES).astype(np.float32)}
    proto = model([node("Gemm", ["x", "w", "b"], "y", transB=1)], ["n", 4], ["n", 3], weights)
    x = readings(300)
    x[4, 2] = -1e20
    np.savez(tmp_path / "data.npz", x=x)
    path = save(proto, tmp_path / "model.onnx")
    made = compress_model(CompressOptions(path, data=tmp_path / "data.npz", keep_weights=True))
    manifest = json.loads(made.files["emcc.json"])
    assert (manifest["scales"]["inputs"], manifest["scales"]["outputs"]) == ("data", "offsets")
    assert any("sample 4, whose feature 2" in warning for warning in manifest["warnings"])
    (tmp_path / "compressed.onnx").write_bytes(made.files["compressed.onnx"])
    seen = readings(100, 3)
    truth = onnxruntime_run(proto, seen).astype(np.float64)
    wide = seen.astype(np.float64) @ weight.T.astype(np.float64) + weights["b"]
    assert explained(wide, interpret.answers(decode(made.files["model.emc"]), seen)) > 0.9999
    np.testing.assert_allclose(onnxruntime_run(tmp_path / "compressed.onnx", seen), truth, atol=0.05)


def tangents(heights: list[float], constant: list[float]) -> Any:
    """A tanh layer that undoes units, and outputs of these heights about constants."""
    rng = np.random.default_rng(10)
    first = (rng.normal(size=(24, 4)) / UNITS).astype(np.float32)
    weights = {"a": first, "b": -(first.astype(np.float64) @ MIDDLES).astype(np.float32)}
    weights |= {"c": np.float32(rng.normal(size=(3, 24)) * np.array(heights)[:, None]), "d": np.float32(constant)}
    nodes = [node("Gemm", ["x", "a", "b"], "h", transB=1), node("Tanh", ["h"], "t")]
    return model([*nodes, node("Gemm", ["t", "c", "d"], "y", transB=1)], ["n", 4], ["n", 3], weights)


@pytest.mark.parametrize("bits", [8, 16])
def test_outputs_of_all_sizes_and_inputs_of_all_units(tmp_path: Path, bits: int) -> None:
    """Neither hides what the other loses: inputs are judged with outputs in their own units."""
    proto = tangents([1e6, 1, 1e-4], [1e7, 0, 5])
    artefact, manifest = emcc(tmp_path, proto, readings(400), f"[calibrate]\nbits = {bits}\n")
    assert (manifest["scales"]["inputs"], manifest["scales"]["outputs"]) == ("data", "offsets and scales")
    program, seen = load_program(artefact.files["program.npz"]), readings(200, 1)
    y = dequantised(program, reference.run(program, quantised(program, seen)))
    assert np.corrcoef(y[:, 2], onnxruntime_run(proto, seen).astype(np.float64)[:, 2])[0, 1] > 0.99
    assert explained(onnxruntime_run(proto, seen)[:, :2].astype(np.float64), y[:, :2]) > 0.99


def test_one_sample_that_is_only_rather_large_spoils_no_scale(tmp_path: Path) -> None:
    x = readings(300)
    x[5, 2] = 15.0
    proto = tangents([1, 1, 1], [0, 0, 0])
    artefact, _ = emcc(tmp_path, proto, x, "[calibrate]\nbits = 8\n")
    program, seen = load_program(artefact.files["program.npz"]), readings(200, 1)
    y = dequantised(program, reference.run(program, quantised(program, seen)))
    assert explained(onnxruntime_run(proto, seen), y) > 0.98
