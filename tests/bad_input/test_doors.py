"""Rows of benchmarks/doors.py that take no time: each hostile file is one error, and leaves nothing behind."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.common.doors import ROWS
from benchmarks.common.doors.row import COMPILE, Row
from benchmarks.doors import Ended, faults_of, left, names
from emcc.cli import app

CHEAP = [row for row in ROWS if row.cheap]


def ended(row: Row) -> Ended:
    """How its command ends in this process; a traceback is said so."""
    done = CliRunner().invoke(app, list(row.command))
    mine = done.exception is not None and not isinstance(done.exception, SystemExit)
    return Ended(done.exit_code, done.output + (f"Traceback: {done.exception!r}" if mine else ""), 0, 0)


@pytest.mark.parametrize("row", CHEAP, ids=[row.name for row in CHEAP])
def test_one_error(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row.build(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = names(tmp_path)
    assert [*faults_of(row, ended(row)), *left(row, before, tmp_path)] == []


def test_faults_are_seen(tmp_path: Path) -> None:
    row = Row("", lambda folder: None, COMPILE, "a cause|another")
    assert faults_of(row, Ended(2, "emcc: error: another", 0, 0)) == []
    assert faults_of(row, Ended(0, "", 0, 0)) == ["exit code 0, not 2", "does not say 'a cause|another'"]
    assert "a traceback" in faults_of(row, Ended(1, "Traceback: x", 0, 0))
    assert "more than one error" in faults_of(row, Ended(2, "emcc: error: a causeemcc: error: ", 0, 0))
    assert "controls reach the terminal" in faults_of(row, Ended(2, "emcc: error: a cause \x1b[31m", 0, 0))
    (tmp_path / ".out.new-x").mkdir()
    assert left(row, set(), tmp_path) == [f"left {[str(tmp_path / '.out.new-x')]}"]


def test_names_of_rows_are_their_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
