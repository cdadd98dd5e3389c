"""Adding a method touches its file and its row: both commands, with and without a goal, then know it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import mlp, save
from typer.testing import CliRunner

from emcc.cli import app
from emcc.compress.method import METHODS
from emcc.container import decode
from emcc.eie.reference import weights
from emcc.eie.store import load_program

ROWS = {"signs": ("share", "toy_methods:Signs"), "first_columns": ("prune", "toy_methods:FirstColumns")}
BOTH = (
    '[compress]\nzeros = "first_columns"\ncodebooks = "signs"\n[signs]\nscale = 0.9\n[first_columns]\ndensity = 0.4\n'
)
FAST = (
    "[search]\nepochs = 2\nsettle = 1\ncode_epochs = 1\nshared_epochs = 2\nbatch = 32\nleast_steps = 4\n"
    "[finetune]\nepochs = 2\n"
)


@pytest.fixture(autouse=True)
def _rows(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    for name, row in ROWS.items():
        monkeypatch.setitem(METHODS, name, row)


def run(folder: Path, command: str, recipe: str, *options: str) -> dict[str, Any]:
    """The manifest of a run on a small labelled problem."""
    x = np.random.default_rng(0).standard_normal((300, 12)).astype(np.float32)
    np.savez(folder / "data.npz", x=x, y=(x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0))
    (folder / "recipe.toml").write_text(recipe + FAST)
    model = save(mlp([12, 16, 3], seed=3), folder / "m.onnx")
    files = ["--data", folder / "data.npz", "--recipe", folder / "recipe.toml", "--out", folder / "out", "--quiet"]
    result = CliRunner().invoke(app, [command, str(model), *map(str, files), *options])
    assert result.exit_code == 0, result.output
    manifest: dict[str, Any] = json.loads((folder / "out" / "emcc.json").read_text())
    return manifest


def test_compile_without_a_goal(tmp_path: Path) -> None:
    manifest = run(tmp_path, "compile", BOTH)
    assert [step["name"] for step in manifest["passes"]][4:7] == ["first_columns", "signs", "finetune"]
    assert manifest["options"]["passes"]["signs"] == {"scale": 0.9}
    assert not {"prune", "share"} & set(manifest["options"]["passes"])
    program = load_program(tmp_path / "out" / "program.npz")
    for step in program.steps:
        kept = weights(program.slices[step.slices], program.codebooks[step.codebook], program.lanes)
        assert np.unique(kept.data).size <= 2
    assert manifest["layers"][0]["kept"] <= 0.4 * 12 * 16 + 1


@pytest.mark.parametrize("goal", [("--target-sparsity", "0.7"), ("--target-size", "400"), ("--max-drop", "40")])
@pytest.mark.parametrize("command", ["compile", "compress"])
def test_a_goal(command: str, goal: tuple[str, str], tmp_path: Path) -> None:
    manifest = run(tmp_path, command, BOTH, *goal)
    assert manifest["search"]["score"] == "first_columns"
    graph = decode((tmp_path / "out" / "model.emc").read_bytes())
    if command == "compress":
        assert all(row["entries"] <= 2 for row in manifest["layers"])
    assert any(graph.layers())


def test_a_method_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match='codebooks is "prune"'):
        run(tmp_path, "compile", '[compress]\ncodebooks = "prune"\n')
