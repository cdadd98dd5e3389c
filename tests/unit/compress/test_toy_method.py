"""Adding a method touches its file and its row: both commands, with and without a goal, then know it."""

from pathlib import Path

import numpy as np
import pytest
from small_problem import manifest_of

from emcc.compress.method import METHODS
from emcc.container import decode
from emcc.eie.reference import weights
from emcc.eie.store import load_program

ROWS = {"signs": ("share", "toy_methods:Signs"), "first_columns": ("prune", "toy_methods:FirstColumns")}
BOTH = (
    '[compress]\nzeros = "first_columns"\ncodebooks = "signs"\n[signs]\nscale = 0.9\n[first_columns]\ndensity = 0.4\n'
)


@pytest.fixture(autouse=True)
def _rows(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    for name, row in ROWS.items():
        monkeypatch.setitem(METHODS, name, row)


def test_compile_without_a_goal(tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path, "compile", BOTH)
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
    manifest = manifest_of(tmp_path, command, BOTH, *goal)
    assert manifest["search"]["score"] == "first_columns"
    graph = decode((tmp_path / "out" / "model.emc").read_bytes())
    if command == "compress":
        assert all(row["entries"] <= 2 for row in manifest["layers"])
    assert any(graph.layers())


def test_a_method_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match='codebooks is "prune"'):
        manifest_of(tmp_path, "compile", '[compress]\ncodebooks = "prune"\n')
