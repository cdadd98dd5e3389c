"""benchmarks/trust.py on one data set that scikit-learn ships, through the command line."""

import json
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from typer.testing import CliRunner

from benchmarks import trust
from benchmarks.common.trust import command, rows
from emcc.cli import app


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Iris with a network of a moment."""
    small = replace(rows.PROBLEMS["iris"], hidden=(8,), steps=200)
    monkeypatch.setitem(rows.PROBLEMS, "iris", small)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """emcc's commands run in this process, which has loaded what they need."""

    def emcc(arguments: Sequence[str | Path], folder: Path) -> CompletedProcess[str]:
        words = list(map(str, arguments))
        with chdir(folder):
            result = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, words)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return CompletedProcess(words, result.exit_code, result.stdout, result.stderr)

    monkeypatch.setattr(command, "emcc", emcc)
    command.help_of.cache_clear()


def test_a_row_has_what_the_verdict_asks_and_is_the_same_in_any_process(
    quick: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    file = tmp_path / "rows.json"
    code = trust.main(["--only", "iris", "--modes", "keep", "--no-rtl", "--json", str(file)])
    (row,) = json.loads(file.read_text())["rows"]
    assert {"data", "mode", "metric", "before", "after", "interval", "kept", "cycles", "bytes", "warned"} <= set(row)
    assert (row["data"], row["mode"], row["metric"], row["mismatches"]) == ("iris", "keep", "accuracy", None)
    assert (row["trained"], row["tested"]) == (90, 60)
    assert row["before"] > 80
    assert code == bool(trust.faults([row]))
    assert "iris" in capsys.readouterr().out
    request.getfixturevalue("here")
    assert trust.rows_of(trust.Job("iris", 0, ("keep",))) == [row]


@pytest.mark.sim
def test_the_rtl_runs_the_test_set(quick: None, here: None) -> None:
    (row,) = trust.rows_of(trust.Job("iris", 0, ("keep",), rtl=True))
    assert row["mismatches"] == 0
    assert row["rtl_cycles"] > 0


def test_a_compile_that_fails_is_a_row(quick: None, here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rows.MODES, "keep", ("--target", "none"))
    (row,) = trust.rows_of(trust.Job("iris", 0, ("keep",)))
    assert "no target" in row["error"]
    assert "after" not in row
    assert trust.show_rows([row]) == 1


def test_a_promise_is_counted(quick: None, here: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.json"
    trust.main(["--promise", "--splits", "1", "--only", "iris", "--json", str(file)])
    kept = json.loads(file.read_text())
    assert kept["promise"]["iris"]["total"] == len(kept["rows"]) == 1
    assert kept["rows"][0]["mode"] == "max_drop"
    assert "all: " in capsys.readouterr().out


def test_there_is_no_such_command() -> None:
    assert command.help_of("fly") == ""
    assert "--max-drop" in command.help_of("compile")
