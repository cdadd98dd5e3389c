"""The API and the command line: the same defaults, limits and bytes."""

import hashlib
import inspect
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import typer.main
from models import mlp, save
from typer.testing import CliRunner

import emcc
from emcc.api import calls
from emcc.api.limits import REAL, WHOLE, number
from emcc.api.recipes import to_toml
from emcc.cli import app
from emcc.files.arrays import write_npz

CALLS = {"compile": calls.compile, "compress": calls.compress}
OF_THE_TERMINAL = {"out", "quiet", "strict"}
OF_PYTHON = {"example_input", "progress"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: model.onnx."""
    save(mlp((6, 9, 4), seed=2, density=0.6), tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def samples(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """x and y that model.onnx takes."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, 6)).astype(np.float32), rng.integers(0, 4, count)


def cli(*arguments: str) -> None:
    """Run a command that must succeed."""
    result = CliRunner().invoke(app, [*arguments, "--quiet"])
    assert result.exit_code == 0, result.output


def contents(folder: Path) -> dict[str, bytes]:
    """Names and bytes of all files."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", ["compile", "compress"])
def test_every_option_has_its_argument_with_the_same_default_and_limits(command: str) -> None:
    given = inspect.signature(CALLS[command]).parameters
    options = {param.name: param for param in typer.main.get_command(app).commands[command].params}  # type: ignore[attr-defined]
    assert set(given) - OF_PYTHON == set(options) - OF_THE_TERMINAL
    for name in set(given) & set(options) - {"model"}:
        assert given[name].default == options[name].default, name
    numeric = {name: option for name, option in options.items() if name in WHOLE | REAL}
    assert numeric
    for name, option in numeric.items():
        limits = getattr(option, "type", option)  # where typer keeps them depends on its version
        assert (WHOLE | REAL)[name] == (limits.min, limits.max), name


def test_arrays_give_the_bytes_of_a_file(folder: Path) -> None:
    (x, y), (vx, vy) = samples(0), samples(1)
    np.savez("data.npz", x=x, y=y)
    np.savez("validate.npz", x=vx, y=vy)
    cli("compile", "model.onnx", "--data", "data.npz", "--validate", "validate.npz", "--steps", "30", "--out", "out")
    ours = emcc.compile("model.onnx", data=(x, y), validate=(vx, vy), steps=30).files
    theirs = contents(folder / "out")
    assert set(ours) == set(theirs)
    assert {name for name in ours if ours[name] != theirs[name]} <= {"emcc.json"}
    mine, other = (json.loads(files["emcc.json"]) for files in (ours, theirs))
    assert mine.pop("data") != other.pop("data")
    mine.pop("validation"), other.pop("validation")
    assert mine == other


def test_arrays_are_named_by_the_bytes_that_the_house_writes_of_them(folder: Path) -> None:
    x, y = samples(0)
    content = write_npz({"x": x, "y": y})
    artefact = emcc.compile(Path("model.onnx"), data=(x, y), keep_weights=True)
    named = {"file": "data.npz", "sha256": hashlib.sha256(content).hexdigest(), "samples": 60, "labels": True}
    assert artefact.manifest["data"] == named
    (folder / "data.npz").write_bytes(content)
    cli("compile", "model.onnx", "--data", "data.npz", "--keep-weights", "--out", "out")
    assert artefact.files == contents(folder / "out")
    assert emcc.compile("model.onnx", data="data.npz", keep_weights=True).files == artefact.files
    with np.load("data.npz") as arrays:
        assert emcc.compile("model.onnx", data=arrays, keep_weights=True).files == artefact.files


def test_the_default_goal_is_the_command_lines(folder: Path) -> None:
    x, y = samples(0)
    (folder / "data.npz").write_bytes(write_npz({"x": x, "y": y}))
    cli("compile", "model.onnx", "--data", "data.npz", "--minutes", "0.01", "--out", "out")
    artefact = emcc.compile("model.onnx", data=(x, y), minutes=0.01)
    assert artefact.manifest["goal"] == {"max_drop": 1.0}
    assert artefact.files == contents(folder / "out")


def test_compress_gives_the_command_lines_bytes(folder: Path) -> None:
    x, y = samples(0)
    (folder / "data.npz").write_bytes(write_npz({"x": x, "y": y}))
    cli("compress", "model.onnx", "--data", "data.npz", "--target-sparsity", "0.5", "--steps", "20", "--out", "out")
    artefact = emcc.compress("model.onnx", data=(x, y), target_sparsity=np.float32(0.5), steps=np.int64(20))
    assert artefact.files == contents(folder / "out")
    assert artefact.predict(x).shape == (60, 4)
    with pytest.raises(emcc.EmccError, match="there is no RTL in it"):
        artefact.simulate(x)


def test_a_recipe_may_be_a_dict(folder: Path) -> None:
    recipe = {"lower": {"pes": np.int64(3)}, "prune": {"sparsity": 0.5, "layers": {"fc1": 0.25}}}
    artefact = emcc.compile("model.onnx", recipe=recipe)
    (folder / "recipe.toml").write_text(to_toml(recipe))
    cli("compile", "model.onnx", "--recipe", "recipe.toml", "--out", "out")
    assert artefact.files == contents(folder / "out")
    assert artefact.manifest["design"]["pes"] == 3


def test_recipes_as_toml() -> None:
    recipe = {"lower": {"pes": 3}, "prune": {"layers": {'fc "1"\n\\ \x7f\u2028é😀': 0.25}, "sparsity": 1e-7}}
    assert tomllib.loads(to_toml(recipe)) == recipe


def test_every_default_survives_as_toml() -> None:
    from emcc.driver.recipe import default_text

    table = tomllib.loads(default_text())
    assert tomllib.loads(to_toml(table)) == table


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("pes", 0, "pes is 0, not a whole number, from 1 to 256"),
        ("pes", 2.0, "pes is 2.0, not a whole number, from 1 to 256"),
        ("max_drop", float("nan"), "max_drop is nan, not a number, from 0 to 100"),
        ("minutes", "long", "minutes is 'long', not a number, at least 0.01"),
    ],
)
def test_numbers_beyond_the_limits(name: str, value: object, message: str) -> None:
    with pytest.raises(emcc.EmccError) as error:
        number(name, value)  # type: ignore[call-overload]
    assert str(error.value) == message
