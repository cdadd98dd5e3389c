"""A logarithm of what a format rounds to 0: infinite in floats, and no cause of an infinite loss."""

import json
from pathlib import Path

import numpy as np
import pytest
from models import model, node, save

import emcc
from emcc import frontend
from emcc.measure.compare import compare
from emcc.passes.fold import Fold
from emcc.runtime.opened import open_artefact

X = np.random.default_rng(3).standard_normal((40, 12)).astype(np.float32)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """log(square of a product, and a little that 8 bits beside it do not hold), in front of a layer."""
    rng = np.random.default_rng(0)
    weights = {
        "w": rng.standard_normal((12, 8)).astype(np.float32),
        "little": np.float32([1e-4]),
        "v": rng.standard_normal((8, 3)).astype(np.float32),
    }
    nodes = [
        node("MatMul", ["x", "w"], "m"),
        node("Mul", ["m", "m"], "square"),
        node("Add", ["square", "little"], "more"),
        node("Log", ["more"], "log"),
        node("MatMul", ["log", "v"], "y"),
    ]
    np.savez(tmp_path / "d.npz", x=X)
    save(model(nodes, ["n", 12], weights=weights), tmp_path / "m.onnx")
    return tmp_path


def test_causes_and_effects_are_numbers(files: Path) -> None:
    recipe = {"calibrate": {"bits": 8}}
    with pytest.warns(UserWarning, match=r"By cause: activation formats \d{1,3}\.\d\d,"):
        made = emcc.compile(files / "m.onnx", data=files / "d.npz", pes=4, keep_weights=True, recipe=recipe)
    made.write(files / "out")
    facts = json.loads((files / "out" / "emcc.json").read_text())
    assert 1 < facts["loss"]["causes"][0]["lost"] < 1000
    folded = Fold().apply(frontend.load(files / "m.onnx"))
    found = compare(folded, open_artefact(files / "out"), X)
    assert all(np.isfinite([row.alone, row.share]).all() for row in found.rows)
    assert sum(row.share for row in found.rows) == pytest.approx(1)
