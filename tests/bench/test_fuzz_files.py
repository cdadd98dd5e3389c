"""Changed files of every kind are taken or refused, and the campaign tells what is neither."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import fuzz_files
from benchmarks.common.hostile import KINDS, Bench
from emcc.files import manifest

CASES = 14


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    before = Path.cwd()
    yield Bench(tmp_path_factory.mktemp("fuzz"))
    os.chdir(before)


@pytest.mark.parametrize("kind", KINDS)
def test_changed_files_are_taken_or_refused(bench: Bench, kind: str) -> None:
    ended = {case: bench.run(kind, 42, case) for case in range(CASES)}
    assert {case: row for case, row in ended.items() if row[0] not in fuzz_files.GOOD} == {}
    assert "refused" in {how for how, _ in ended.values()}


def test_a_traceback_and_a_hang_are_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "_unsafe", lambda value: 1 / 0)
    monkeypatch.setattr("emcc.files.artefact.problems", lambda value: manifest._unsafe(value))
    ended = {bench.run("manifest", 42, case) for case in range(CASES)}
    assert any(how == "traceback" and said.startswith("ZeroDivisionError") for how, said in ended)


def test_a_worker_that_does_not_answer_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stuck:
        def __init__(self, *_: object) -> None:
            self.asked = 0

        def ask(self, kind: str, case: int) -> list[str] | None:
            return None if case % 2 else ["ok", ""]

        def died(self) -> str:
            return "hang"

        def end(self) -> None:
            self.asked = -1

    monkeypatch.setattr(fuzz_files, "_Worker", Stuck)
    assert fuzz_files.main(["--count", "4", "--kinds", "data", "--json", str(tmp_path / "r.json")]) == 1
    assert json.loads((tmp_path / "r.json").read_text())["ended"] == {"data": {"ok": 2, "hang": 2}}
    assert "data 1: hang" in capsys.readouterr().out
