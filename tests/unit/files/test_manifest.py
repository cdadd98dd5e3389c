"""emcc.json is believed only where it is what emcc writes: whatever else stands there is one error, never a crash."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import mlp, save
from typer.testing import CliRunner

from emcc.cli import app
from emcc.files.manifest import is_plain, problems

KINDS = {
    "labelled": ["compile", "--keep-weights", "--data", "data.npz", "--pes", "2"],
    "plain": ["compile", "--keep-weights", "--pes", "2"],
    "measured": ["compress", "--keep-weights", "--data", "data.npz"],
    "searched": ["compress", "--target-sparsity", "0.5", "--data", "data.npz", "--recipe", "fast.toml"],
}
FAST = "[search]\nepochs = 1\nsettle = 1\nshared_epochs = 1\ncode_epochs = 1\nleast_steps = 4\n"
JUNK: list[Any] = [
    None, True, False, 0, -1, 1 << 70, -(1 << 70), 0.5, 1e300, float("nan"), float("inf"), "", "x", "../x", "\0",
    "\x1b[31m", "\ud800", [], [[]], {}, {"": None}, [None] * 3, {"file": "../../etc/passwd"}, "1", [1, 2],
]  # fmt: skip


@cache
def manifest(kind: str) -> str:
    """The emcc.json of a small model, as text."""
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.chdir(name)
        save(mlp((6, 9, 4), seed=2, density=0.6, tail="Softmax"), Path("model.onnx"))
        rng = np.random.default_rng(0)
        np.savez("data.npz", x=rng.standard_normal((40, 6)).astype(np.float32), y=rng.integers(0, 4, 40))
        Path("fast.toml").write_text(FAST)
        command, *options = KINDS[kind]
        done = CliRunner().invoke(app, [command, "model.onnx", *options, "--out", "out", "--quiet"])
        assert done.exit_code == 0, done.output
        return (Path("out") / "emcc.json").read_text()


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def inspect(folder: Path, text: str) -> str:
    """What `emcc inspect` prints of a folder with that emcc.json; 0 or 2, without a traceback."""
    (folder / "emcc.json").write_text(text, "utf-8", "surrogatepass")
    done = CliRunner().invoke(app, ["inspect", str(folder)])
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    assert done.exit_code in (0, 2)
    assert (done.exit_code == 2) == done.stderr.startswith("emcc: error: ")
    assert "\x1b" not in done.output
    return done.output


@pytest.mark.parametrize("kind", KINDS)
def test_what_emcc_writes_is_right(kind: str, tmp_path: Path) -> None:
    assert problems(json.loads(manifest(kind))) == []
    assert "error" not in inspect(tmp_path, manifest(kind)).splitlines()[0]


@settings(max_examples=60)
@given(data=st.data(), kind=st.sampled_from(sorted(KINDS)))
def test_one_thing_is_something_else(data: st.DataObject, kind: str, tmp_path: Path) -> None:
    value = json.loads(manifest(kind))
    every = list(places(value))
    container, key = every[data.draw(st.integers(0, len(every) - 1))]
    change = data.draw(st.sampled_from(["junk", "delete", "more"]))
    if change == "delete":
        del container[key]
    elif change == "junk" or isinstance(container, list):
        container[key] = data.draw(st.sampled_from(JUNK))
    else:
        container[data.draw(st.text(max_size=4))] = data.draw(st.sampled_from(JUNK))
    inspect(tmp_path, json.dumps(value))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.pop("totals"), "it has no totals"),
        (lambda m: m["layers"].append(3), "layers[2] is not an object"),
        (lambda m: m["totals"].update(clock_hz=0), "totals.clock_hz is not a whole number from 1 on"),
        (lambda m: m["totals"].update(seconds=float("nan")), "cannot be read as JSON: it has the number NaN"),
        (lambda m: m.update(target=["eie"]), "target is not text"),
        (lambda m: m["design"].update(host=True), "design.host is not a list"),
        (lambda m: m["files"].update({"../x": {"bytes": 1, "sha256": ""}}), "files has '../x', which is not the name"),
        (lambda m: m["files"].update({"a\0b": {"bytes": 1, "sha256": ""}}), "files has 'a\\x00b', which is not"),
        (lambda m: m.update(data=None), "something was measured, and there is no data"),
        (lambda m: m["quality"].update(interval=[1.0]), "quality's interval is not two numbers"),
        (lambda m: m["quality"].update(measure=None, samples=0, interval=0.5), "quality.measure is not text"),
        (lambda m: m["design"].update(tried=[0.5]), "design.tried[0] is not a list"),
        (lambda m: m.update(format="3"), "artefact format '3', this emcc reads 5"),
        (lambda m: m.update(format=True), "artefact format True, this emcc reads 5"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", [["inspect"], ["simulate", "--data", "d.npz"], ["rom", "--format", "hex"]])
def test_what_is_said(change: Any, message: str, command: list[str], tmp_path: Path) -> None:
    value = json.loads(manifest("labelled"))
    change(value)
    (tmp_path / "emcc.json").write_text(json.dumps(value))
    done = CliRunner().invoke(app, [command[0], str(tmp_path), *command[1:]])
    assert (done.exit_code, message in done.stderr) == (2, True), done.output
    assert done.stderr.startswith(f"emcc: error: {tmp_path}/emcc.json: ")


@pytest.mark.parametrize("kind", ["labelled", "searched"])
def test_text_is_shown_escaped(kind: str, tmp_path: Path) -> None:
    """Every text in it is an escape sequence, a line of its own or turned around; the report's is too."""
    value = json.loads(manifest(kind))
    for container, key in list(places(value)):
        if isinstance(container[key], str) and key not in ("sha256", "kind"):
            container[key] = f"{container[key]}\x1b[31m\n\u202egpj.\ud800"
    output = inspect(tmp_path, json.dumps(value))
    assert "model.onnx\\x1b[31m\\n\\u202egpj.\\ud800" in output
    assert all(line.isprintable() for line in output.splitlines())


def test_a_search_without_a_score_trained_nothing(tmp_path: Path) -> None:
    value = json.loads(manifest("searched"))
    del value["search"]["score"]
    assert "nothing was trained" in inspect(tmp_path, json.dumps(value))


@pytest.mark.parametrize("text", ["", "[" * 100_000, "1" * 10_000, "\ud800", '{"format": 2}', "null", "{" * 9])
def test_files_of_other_things(text: str, tmp_path: Path) -> None:
    assert "emcc: error" in inspect(tmp_path, text)


def test_plain_names() -> None:
    assert all(map(is_plain, ["a", "rtl/a.sv", "..a", "é"]))
    assert not any(map(is_plain, ["", ".", "..", "/a", "a/../b", "a//b", "a/", "./a", "a\\b", "a\0"]))
