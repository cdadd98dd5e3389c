"""What a machine refuses is one error with exit code 2; a signal does not leave half an artefact."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from emcc.base.errors import EmccError
from emcc.cli import app
from emcc.cli.guard import TRACEBACK
from emcc.files import artefact
from emcc.files.artefact import MANIFEST, Artefact, fresh, to_json
from emcc.tools.process import ToolError


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (MemoryError(), "there is not enough memory"),
        (RecursionError(), "nested too deeply"),
        (OSError(28, "No space left on device", "/a\x1b[31m"), "/a\\x1b[31m: No space left on device"),
        (ToolError("Verilator", 1, "%Error: no", ["verilator", "x"]), "Verilator failed with exit code 1"),
    ],
)
def test_one_error(raised: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise raised

    monkeypatch.setattr("emcc.driver.recipe.default_text", fail)
    done = CliRunner().invoke(app, ["recipe"])
    assert (done.exit_code, done.stderr.startswith("emcc: error: "), said in done.stderr) == (2, True, True)
    assert "Traceback" not in done.stderr
    monkeypatch.setenv(TRACEBACK, "1")
    assert CliRunner().invoke(app, ["recipe"]).exception is raised


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emcc.driver.recipe.default_text", lambda: 1 / 0)
    assert isinstance(CliRunner().invoke(app, ["recipe"]).exception, ZeroDivisionError)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_standard_output_is_one_error() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "emcc", "recipe"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "emcc: error: No space left on device")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_signal_between_two_renames_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old artefact gives way to the new one whole, and then the signal does what it does."""
    out, rename = tmp_path / "out", os.rename

    def made(text: bytes) -> Artefact:
        return Artefact({"a": text, MANIFEST: to_json({"files": {"a": {}}})})

    def interrupted(*paths: Any) -> None:
        rename(*paths)
        signal.raise_signal(signal.SIGINT)

    made(b"old").write(out)
    monkeypatch.setattr(artefact.os, "rename", interrupted)
    # Whoever starts the tests in the background has it ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            made(b"new").write(out)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (out / "a").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["out"]


def test_a_file_to_come_is_tried_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "t.fst").write_bytes(b"stale")
    assert not fresh(tmp_path / "t.fst").exists()
    with pytest.raises(EmccError, match="there is no such folder"):
        fresh(tmp_path / "none" / "t.fst")
    with pytest.raises(EmccError, match="File name too long"):
        fresh(tmp_path / ("t" * 300))


def test_a_folder_behind_a_ring_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(EmccError, match=r"links lead in a ring|Too many levels|link to nothing"):
        Artefact({MANIFEST: to_json({"files": {}})}).write(tmp_path / "a" / "out")
