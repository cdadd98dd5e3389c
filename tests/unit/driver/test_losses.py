"""What is kept by default, and what is said where it is not: the goal, the samples that decide, the loss, its cause."""

import json
from pathlib import Path

import numpy as np
import pytest
from models import mlp, save
from typer.testing import CliRunner

from emcc.cli import app
from emcc.frontend import load
from emcc.ops.interpret import run

SMALL = "[search]\nepochs = 6\nsettle = 2\ncode_epochs = 1\nshared_epochs = 2\nleast_steps = 4\n"


def emcc(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    return result.exit_code, result.output


def manifest(folder: Path) -> dict:
    return json.loads((folder / "emcc.json").read_text())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A classifier with labels that are its own answers: 700 samples to train with, 600 to validate with."""
    monkeypatch.chdir(tmp_path)
    save(mlp((12, 24, 4), seed=3), tmp_path / "m.onnx")
    for name, count, seed in (("d.npz", 700, 0), ("v.npz", 600, 1)):
        x = np.random.default_rng(seed).standard_normal((count, 12)).astype(np.float32)
        y = np.asarray(run(load(tmp_path / "m.onnx"), x)).argmax(axis=1)
        np.savez(tmp_path / name, x=x, y=y)
    (tmp_path / "r.toml").write_text(SMALL)
    return tmp_path


def test_with_data_the_goal_is_a_point(folder: Path) -> None:
    pytest.importorskip("torch")
    code, shown = emcc("compile", "m.onnx", "--data", "d.npz", "--recipe", "r.toml", "--out", "o")
    assert code == 0
    made = manifest(folder / "o")
    assert made["goal"] == {"max_drop": 1.0}
    assert made["quality"]["lost"] <= 1.0
    assert made["loss"] is None
    assert "max drop 1.0 (the default; --fixed follows the recipe)" in shown
    assert made["quality"]["source"] == "held out"
    assert made["quality"]["samples"] == 350  # half: as many as there are, where 400 are wanted
    assert "the float model may have been trained on these samples" in shown.replace("\n", " ")


def test_steps_repeat_minutes(folder: Path) -> None:
    pytest.importorskip("torch")
    words = ["compile", "m.onnx", "--data", "d.npz", "--recipe", "r.toml", "--max-drop", 20, "--quiet"]
    assert emcc(*words, "--minutes", 0.02, "--out", "a")[0] == 0
    steps = manifest(folder / "a")["search"]["steps"]
    assert 0 < manifest(folder / "a")["search"]["trained_steps"] <= 1.5 * steps
    assert emcc(*words, "--steps", steps, "--out", "b")[0] == 0
    assert emcc(*words, "--minutes", 0.02, "--out", "c")[0] == 0
    for name in ("model.emc", "emcc.json", "program.npz"):
        first = (folder / "a" / name).read_bytes()
        assert first == (folder / "b" / name).read_bytes() == (folder / "c" / name).read_bytes()


def test_validation_data_decides(folder: Path) -> None:
    pytest.importorskip("torch")
    words = ["compile", "m.onnx", "--data", "d.npz", "--validate", "v.npz", "--recipe", "r.toml", "--steps", 60]
    code, shown = emcc(*words, "--out", "o")
    made = manifest(folder / "o")
    assert code == 0
    assert (made["quality"]["source"], made["quality"]["samples"]) == ("validation data", 600)
    assert made["search"]["trained_on"] == 700
    assert made["validation"]["file"] == "v.npz"
    assert "may have been trained on" not in shown


def test_the_fixed_schedule_says_what_it_lost_and_why(folder: Path) -> None:
    """A tenth of the weights of a random network loses much: the first line says so, and pruning is the cause."""
    pytest.importorskip("torch")
    code, shown = emcc("compile", "m.onnx", "--data", "d.npz", "--fixed", "--out", "o")
    loss = manifest(folder / "o")["loss"]
    assert code == 0
    assert shown.startswith(f"LOST {loss['lost']:.2f} points of accuracy")
    assert loss["causes"][0]["cause"] == "pruning and training"
    assert "keep more weights" in shown.replace("\n", " ")
    assert "LOST" in (folder / "o" / "report.html").read_text()
    assert "LOST" in emcc("inspect", "o")[1]
    assert emcc("compile", "m.onnx", "--data", "d.npz", "--fixed", "--strict", "--out", "p")[0] == 1
    assert manifest(folder / "p")["quality"] == manifest(folder / "o")["quality"]


def test_kept_weights_say_which_were_rounded(folder: Path) -> None:
    """A layer of more than 255 values is clustered: the first line says so with data and without."""
    save(mlp((30, 40, 4), seed=5), folder / "wide.onnx")
    x = np.random.default_rng(2).standard_normal((50, 30)).astype(np.float32)
    np.savez(folder / "w.npz", x=x)
    for words in ([], ["--data", "w.npz"]):
        code, shown = emcc("compile", "wide.onnx", "--keep-weights", "--out", "o", *words)
        loss = manifest(folder / "o")["loss"]
        assert (code, loss["rounded"]) == (0, ["fc0"])
        assert shown.startswith("weights were rounded in fc0: ")
        assert ("of noise" in shown.replace("\n", " ")) == (not words)
    code, shown = emcc("compile", "m.onnx", "--keep-weights", "--out", "few", "--data", "d.npz")
    assert (code, "rounded" in shown) == (0, bool(manifest(folder / "few")["loss"]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--validate", "v.npz"], "--validate gives samples that decide"),
        (["--data", "d.npz", "--fixed", "--max-drop", "1"], "--fixed follows no goal"),
        (["--data", "d.npz", "--fixed", "--steps", "5"], "--steps and --minutes are of automatic compression"),
        (["--data", "d.npz", "--validate", "u.npz"], "u.npz: of the data and this file only one has y"),
        (["--data", "d.npz", "--task", "guess"], "no task 'guess'"),
    ],
)
def test_options_that_do_not_go_together(folder: Path, words: list[str], message: str) -> None:
    np.savez(folder / "u.npz", x=np.zeros((5, 12), np.float32))
    code, shown = emcc("compile", "m.onnx", "--out", "o", *words)
    assert (code, message in shown) == (2, True), shown
    assert not (folder / "o").exists()
