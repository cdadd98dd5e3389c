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
    manifest = json.loads((tmp_path / "c" / "emcc.json").read_text())
    assert [row["inertia"] for row in manifest["layers"]] == [0, 0]
    assert manifest["totals"]["bytes"] == (tmp_path / "c" / "model.emc").stat().st_size
    assert manifest["data"] is None
    assert "search" not in manifest
    x = rng.standard_normal((5, 12)).astype(np.float32)
    before, after = (interpret.run(load(item), x) for item in (path, tmp_path / "c" / "compressed.onnx"))
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-6)
    assert run("inspect", tmp_path / "c") == 0


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    path = models.save(models.mlp([4, 3]), tmp_path / "m.onnx")
    assert run("compress", path, "--keep-weights", "--target-sparsity", "0.5", "--out", tmp_path / "c") == 2
    assert run("compress", path, "--out", tmp_path / "c") == 2
    assert not (tmp_path / "c").exists()


def trained_looking(folder: Path) -> tuple[Path, Path]:
    """A classifier whose weights are all different, half of them zero, and data that it labelled itself."""
    path = models.save(models.mlp((12, 40, 4), seed=3, density=0.5), folder / "m.onnx")
    x = np.random.default_rng(1).standard_normal((900, 12)).astype(np.float32)
    np.savez(folder / "d.npz", x=x, y=interpret.run(load(path), x).argmax(1))
    return path, folder / "d.npz"


def test_a_goal_shares_weights_and_leaves_the_zero_pattern(tmp_path: Path) -> None:
    path, data = trained_looking(tmp_path)
    manifest = {}
    for name, goal in (
        ("exact", []),
        ("drop", ["--max-drop", 2]),
        ("more", ["--max-drop", 20]),
        ("size", ["--target-size", 700]),
    ):
        words = ["compress", path, "--keep-weights", "--data", data, *goal, "--out", tmp_path / name, "--quiet"]
        assert run(*words) == 0
        manifest[name] = json.loads((tmp_path / name / "emcc.json").read_text())
        assert [row["kept"] for row in manifest[name]["layers"]] == [row["kept"] for row in manifest["exact"]["layers"]]
        assert manifest[name]["totals"]["bytes"] == (tmp_path / name / "model.emc").stat().st_size
    assert manifest["exact"]["quality"]["float"] == 100.0
    assert manifest["exact"]["quality"]["compressed"] > 98
    assert manifest["drop"]["search"]["quality"] >= 98.0
    assert (
        manifest["more"]["totals"]["bytes"] < manifest["drop"]["totals"]["bytes"] < manifest["exact"]["totals"]["bytes"]
    )
    assert manifest["size"]["totals"]["bytes"] <= 700
    assert run("inspect", tmp_path / "drop") == 0


def test_a_size_that_cannot_be_reached_without_pruning(tmp_path: Path) -> None:
    path, data = trained_looking(tmp_path)
    words = ["compress", path, "--keep-weights", "--data", data, "--target-size", 100, "--out", tmp_path / "c"]
    assert run(*words) == 2
    assert not (tmp_path / "c").exists()


def test_the_recipe_says_how_many_bits(tmp_path: Path) -> None:
    path, _ = trained_looking(tmp_path)
    (tmp_path / "r.toml").write_text("[share]\nkept_bits = 2\n")
    words = ["compress", path, "--keep-weights", "--recipe", tmp_path / "r.toml", "--out", tmp_path / "c", "--quiet"]
    assert run(*words) == 0
    manifest = json.loads((tmp_path / "c" / "emcc.json").read_text())
    assert [row["entries"] for row in manifest["layers"]] == [3, 3]


def test_what_is_lost_by_rounding_is_said_first(tmp_path: Path) -> None:
    path, data = trained_looking(tmp_path)
    (tmp_path / "r.toml").write_text("[share]\nkept_bits = 1\n")
    words = [
        "compress",
        path,
        "--keep-weights",
        "--data",
        data,
        "--recipe",
        tmp_path / "r.toml",
        "--out",
        tmp_path / "c",
    ]
    result = CliRunner().invoke(app, [str(word) for word in words])
    lost = json.loads((tmp_path / "c" / "emcc.json").read_text())["quality"]["lost"]
    assert (result.exit_code, lost > 1) == (0, True)
    assert result.output.startswith(f"LOST {lost:.2f} points of accuracy")
