"""`emcc compress --keep-weights`: the model as it is, shared and coded, without data."""

import json
from pathlib import Path

import models
import numpy as np
from onnx import numpy_helper
from typer.testing import CliRunner

from emcc.cli import app
from emcc.frontend import load
from emcc.ops import interpret


def run(*words: object) -> int:
    return CliRunner().invoke(app, [str(word) for word in words]).exit_code


def test_a_model_of_few_values_comes_back_exactly(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    proto = models.mlp([12, 7, 3])
    for initializer in proto.graph.initializer:
        if initializer.name.endswith("weight"):
            few = rng.choice([0.0, 0.0, -0.5, 0.25], tuple(initializer.dims)).astype(np.float32)
            initializer.CopyFrom(numpy_helper.from_array(few, initializer.name))
    path = models.save(proto, tmp_path / "m.onnx")
    assert run("compress", path, "--keep-weights", "--out", tmp_path / "c", "--quiet") == 0
    told = json.loads((tmp_path / "c" / "emcc.json").read_text())
    assert [row["inertia"] for row in told["layers"]] == [0, 0]
    assert told["totals"]["bytes"] == (tmp_path / "c" / "model.emc").stat().st_size
    assert told["data"] is None
    assert "search" not in told
    x = rng.standard_normal((5, 12)).astype(np.float32)
    before, after = (interpret.run(load(each), x) for each in (path, tmp_path / "c" / "compressed.onnx"))
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-6)
    assert run("inspect", tmp_path / "c") == 0


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    path = models.save(models.mlp([4, 3]), tmp_path / "m.onnx")
    assert run("compress", path, "--keep-weights", "--max-drop", "1", "--out", tmp_path / "c") == 2
    assert run("compress", path, "--out", tmp_path / "c") == 2
    assert not (tmp_path / "c").exists()
