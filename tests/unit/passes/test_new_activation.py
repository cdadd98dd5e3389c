"""An activation is its entry in `emcc.ops` and its rule in the front end; no other list has to know of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import passed
from models import mlp, onnxruntime_run, save
from typer.testing import CliRunner

from emcc import frontend
from emcc.cli import app
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.eie import reference
from emcc.eie.lower import LowerOptions, lower
from emcc.frontend import rules, rules_function
from emcc.frontend.export import export
from emcc.ops import interpret, registry
from emcc.ops.attributes import number
from emcc.ops.elementwise import activation
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise

pytest.importorskip("onnxruntime")


def elu(xp: Any, attrs: dict[str, float], x: Any) -> Any:
    return xp.where(x >= 0, x, attrs["alpha"] * (xp.exp(xp.clip(x, None, 0)) - 1))


ENTRIES = {
    "Elu": activation(elu, "keeps zero", alpha=number),
    "HardSigmoid": activation(
        lambda xp, attrs, x: xp.clip(attrs["alpha"] * x + attrs["beta"], 0, 1),
        limits=(0.0, 1.0),
        alpha=number,
        beta=number,
    ),
    "Softplus": activation(lambda xp, attrs, x: xp.log(1 + xp.exp(-xp.abs(x))) + xp.clip(x, 0, None)),
    "Softsign": activation(lambda xp, attrs, x: x / (1 + xp.abs(x)), "keeps zero", limits=(-1.0, 1.0)),
}
TOLERANCE = {8: 0.1, 16: 1e-3}
"""Of the output, from zeros folded, codes of 8 bits and activations of so many bits."""


@pytest.fixture(params=list(ENTRIES))
def op(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An operator that emcc has of the test's making while it runs."""
    name = str(request.param)
    monkeypatch.setattr(registry, "OPERATORS", {**registry.OPERATORS, name: ENTRIES[name]})
    monkeypatch.setitem(rules.RULES, name, rules_function.function)
    return name


@pytest.fixture
def model(op: str, tmp_path: Path) -> Path:
    return save(mlp([7, 12, 9, 4], [op, op, "Relu"], tail="Softmax"), tmp_path / "m.onnx")


@pytest.fixture
def data() -> np.ndarray:
    return np.random.default_rng(3).standard_normal((64, 7)).astype(np.float32)


@pytest.mark.parametrize("bits", [8, 16])
def test_from_onnx_to_integers(op: str, model: Path, data: np.ndarray, bits: int, tmp_path: Path) -> None:
    loaded = frontend.load(model)
    assert op in {node.op for node in loaded.nodes}
    shared = passed(loaded, Fold(), Prune(0.0), Share(8))
    (tmp_path / "folded.onnx").write_bytes(export(shared, ("y",)))
    truth = onnxruntime_run(tmp_path / "folded.onnx", data)
    floats = np.exp(interpret.run(shared, data))
    np.testing.assert_allclose(floats / floats.sum(axis=1, keepdims=True), truth, rtol=1e-4, atol=1e-6)
    calibrated = passed(shared, Calibrate(bits, data=data), after="share")
    z, y = (calibrated.tensors[name].fmt.frac_bits for name in ("z0", "a0"))
    assert y in (bits - 1, bits - 2) if ENTRIES[op].limits else y == z
    integers = passed(calibrated, Quantise(), after="calibrate")
    assert [node.attrs["function"] for node in integers.nodes] == ["table", "table", "relu"]
    program = lower(integers, LowerOptions(pes=4))
    x = integers.tensors["x"].fmt.quantise(data)
    y = integers.tensors[integers.outputs[0]].fmt.dequantise(reference.run(program, x))
    assert np.abs(y - interpret.run(shared, data)).max() < TOLERANCE[bits] * np.abs(y).max()


def test_on_the_command_line(model: Path, data: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=data)
    arguments = ["compile", str(model), "--out", str(tmp_path / "out"), "--data", str(tmp_path / "x.npz")]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    manifest = json.loads((tmp_path / "out" / "emcc.json").read_text())
    assert [layer["function"] for layer in manifest["layers"]] == ["table", "table", "relu"]


@pytest.mark.parametrize("missing", ["entry", "rule"])
def test_without_either_it_is_refused(missing: str, model: Path, op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the tests above do see what they register."""
    if missing == "rule":
        monkeypatch.delitem(rules.RULES, op)
        result = CliRunner().invoke(app, ["inspect", str(model)])
        assert f"operator {op} is not supported" in result.output
    else:
        monkeypatch.setattr(
            registry, "OPERATORS", {name: own for name, own in registry.OPERATORS.items() if name != op}
        )
        with pytest.raises(KeyError, match=op):
            frontend.load(model)
