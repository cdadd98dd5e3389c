"""Parts of benchmarks/trust.py: tables, splits, networks, what a compile said, the verdict."""

import csv
import io
import math
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from benchmarks.common.trust import command, network, tables, verdict
from benchmarks.common.trust.problems import PROBLEMS, Problem, split
from benchmarks.common.trust.quality import Paired
from benchmarks.common.trust.rows import float_outputs, judged


def test_tables_are_numbers_words_and_classes_without_gaps(tmp_path: Path) -> None:
    path = tmp_path / "resources.tar.gz"
    written = {"a/one": [["x", "w"], ["1.5", "no"], ["NA", "yes"]], "a/two": [["x", "w"], ["2", "yes"]]}
    with tarfile.open(path, "w:gz") as packed:
        for name, rows in written.items():
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            entry = tarfile.TarInfo(f"resources/rdata/csv/{name}.csv")
            entry.size = len(text.getvalue())
            packed.addfile(entry, io.BytesIO(text.getvalue().encode()))
    rows = tables.read("a/one", "a/two", source=path)
    assert tables.numbers(rows, "x", "w").tolist() == [[1.5, 0], [2, 1]]
    assert tables.classes(rows, "w", "x").tolist() == [0, 1]


def test_a_split_shares_nothing_and_each_class_is_on_both_sides() -> None:
    x, y = np.arange(50, dtype=np.float32)[:, None], np.repeat([0, 1, 2], [30, 15, 5])
    parts = split((x, y), 3)
    both = np.concatenate([parts.train[0], parts.test[0]])[:, 0]
    assert sorted(both) == list(range(50))
    assert np.bincount(parts.train[1]).tolist() == [18, 9, 3]
    assert not np.array_equal(parts.test[0], split((x, y), 4).test[0])
    assert np.array_equal(parts.test[0], split((x, y), 3).test[0])
    parts = split((x, x), 0)
    assert (len(parts.train[0]), len(parts.test[0])) == (30, 20)


def test_there_are_enough_problems_of_each_kind() -> None:
    heads = {(problem.head, problem.front) for problem in PROBLEMS.values()}
    assert {head for head, _ in heads} == {"softmax", "sigmoid", "logits", "scaled", "folded"}
    assert {front for _, front in heads} == {"batchnorm", "subdiv", "folded", "none"}
    assert len(PROBLEMS) >= 14
    assert sum(problem.small for problem in PROBLEMS.values()) == 10


@pytest.mark.parametrize(("head", "front"), [("softmax", "batchnorm"), ("sigmoid", "subdiv"), ("logits", "none")])
def test_a_network_learns_classes(head: str, front: str) -> None:
    rng = np.random.default_rng(2)
    x = (rng.normal(size=(200, 3)) * [5, 1, 2] + [2, 0, 0]).astype(np.float32)
    y = (x[:, 0] > 2).astype(np.int64)
    problem = Problem(lambda: (x, y), head, front, (8,), 300)
    outputs = float_outputs(network.export(problem, network.train(problem, (x, y), 0), "toy"), x)
    assert outputs.shape == (200, 1 if head == "sigmoid" else 2)
    found = outputs[:, 0] > 0.5 if head == "sigmoid" else outputs.argmax(axis=1)
    assert np.mean(found == y) > 0.85
    if head != "logits":
        assert outputs.min() >= 0
        assert outputs.max() <= 1


def test_folding_does_not_change_a_regression() -> None:
    rng = np.random.default_rng(3)
    x = (rng.normal(size=(200, 2)) * [300, 0.1] + [1000, 5]).astype(np.float32)
    y = np.column_stack([x[:, 0] * 50, x[:, 1]]).astype(np.float32)
    plain = Problem(lambda: (x, y), "scaled", "subdiv", (8,), 300)
    trained = network.train(plain, (x, y), 0)
    raw, folded = (
        float_outputs(network.export(problem, trained, "toy"), x)
        for problem in (plain, replace(plain, head="folded", front="folded"))
    )
    assert np.abs(raw - folded).max(axis=0) == pytest.approx([0, 0], abs=0.1)
    assert (np.square(raw - y).mean(axis=0) / y.var(axis=0)).max() < 0.1


HEADLINE = "keep: model.onnx for eie, 8 PEs, 8-bit activations, 32-bit accumulators\n"
ROUNDED = {"lost": 0.4, "allowed": 1.0, "rounded": ["a"], "by_rounding": 0.4}


@pytest.mark.parametrize(
    ("summary", "manifest", "said"),
    [
        (HEADLINE, {"warnings": ["calibrated on synthetic inputs (standard normal noise)"], "loss": None}, False),
        ("\nLOST 3.00 points of accuracy on 9 samples\n" + HEADLINE, {"warnings": []}, True),
        ("weights were rounded in a\n" + HEADLINE, {"warnings": [], "loss": ROUNDED}, False),
        (HEADLINE, {"warnings": [], "loss": {**ROUNDED, "lost": 1.5}}, True),
        (HEADLINE, {"warnings": ["12.00 points of accuracy were lost"]}, True),
    ],
)
def test_a_warning_is_one_that_speaks_of_quality(summary: str, manifest: dict[str, Any], said: bool) -> None:
    assert command.warned(summary, manifest) == said


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("│ --minutes   MINUTES  or by --steps [default: 5] │\n", None),
        ("│ --steps     N [x>=20]  Train so many steps. │\n", 20),
        ("│ --steps     N [1<=x<=9]  Train so many steps. │\n", 1),
        ("│ --steps     N  Train so many steps. [default: 500] │\n", 1),
    ],
)
def test_the_fewest_steps_are_read_from_the_help(monkeypatch: pytest.MonkeyPatch, text: str, steps: int | None) -> None:
    monkeypatch.setattr(command, "help_of", lambda *_: text)
    assert command.fewest_steps() == steps


def test_a_failure_is_emccs_own_words_in_a_line() -> None:
    done = subprocess.CompletedProcess([], 2, "", "reading\nemcc: error: a\n  hint: b\n")
    assert command.failure(done) == "exit code 2: emcc: error: a hint: b"
    done = subprocess.CompletedProcess([], 1, "", "Traceback:\n  at\nKeyError: 'x'\n")
    assert command.failure(done) == "exit code 1: KeyError: 'x'"


def row(**changes: Any) -> dict[str, Any]:
    good = {"data": "toy", "mode": "keep", "metric": "accuracy", "before": 90.0, "after": 90.0, "loss": 0.0}
    return {**good, "interval": 2.0, "least": -1.0, "breaks": False, "warned": False, "mismatches": 0, **changes}


def test_faulty_rows_are_named() -> None:
    assert verdict.faults([row()]) == []
    assert verdict.faults([row(loss=2.9, warned=True)]) == []
    assert verdict.faults([row(loss=2.9)]) == ["toy, keep: 2.90 points lost without a warning, within the interval"]
    assert len(verdict.faults([row(loss=3.1, warned=True)])) == 1
    assert len(verdict.faults([row(loss=3.1)])) == 2
    assert len(verdict.faults([row(mismatches=4), {"data": "a", "mode": "b", "error": "c"}])) == 2
    assert len(verdict.faults([row(loss=None, warned=True)])) == 1
    worst = {"output": 1, "loss": 5.0, "interval": 1.0}
    (fault,) = verdict.faults([row(worst=worst, warned=True)])
    assert fault == "toy, keep: output 1 loses 5.00 points, more than 1 and its interval, 1.00"


def test_a_promise_is_counted_by_the_rule_and_strictly() -> None:
    rows = [row(), row(loss=2.0), row(loss=5.0, breaks=True), {"data": "toy", "mode": "max_drop", "error": "x"}]
    assert verdict.held(rows) == {"toy": {"total": 4, "held": 2, "strictly": 1, "errors": 1, "lost": 2.33333}}


def test_the_worst_output_breaks_a_promise_and_so_does_what_is_no_number() -> None:
    kept, lost = Paired(90, 90, -1, 1, -0.8), Paired(90, 80, 5, 15, 6)
    assert judged([kept])["breaks"] is False
    several = judged([kept, kept, lost])
    assert several["breaks"] is True
    assert several["worst"]["output"] == 1
    assert several["worst"]["loss"] == 10
    nothing = judged([Paired(90, math.nan, math.nan, math.nan, math.nan)])
    assert nothing["breaks"] is True
    assert nothing["loss"] is None


def test_rows_make_a_table() -> None:
    shown = verdict.table([row(), {"data": "a", "mode": "b", "metric": "c", "before": 1.0, "error": "d"}])
    assert shown.row_count == 2
    assert [len(list(column.cells)) for column in shown.columns] == [2] * len(shown.columns)
    assert next(iter(shown.columns[0].cells)).plain == "toy"
