"""benchmarks/boards.py: rows of what placing leaves, of what does not fit, and beside those that are there."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from benchmarks import boards
from benchmarks.common.boarded import GOALS, MHZ, NETWORKS, PUBLISHED, ROWS, Row
from emcc.base.errors import EmccError
from emcc.boards import catalogue
from emcc.boards.pll import setting

ROW = Row("ulx3s-85f", "ad", 150)
PLACED = {
    **{"status": "too slow", "clock": {"hz": 150_000_000, "fmax_mhz": 80.0}, "seeds": {"1": 75.0, "2": 80.0}},
    **{"resources": {"lut": 9, "ff": 8, "bram": 7, "dsp": 6, "spram": 0}, "lut_words": 32},
}


class Artefact:
    """Stands for what `emcc.compile` gives."""

    manifest: ClassVar[dict[str, Any]] = {
        "design": {"pes": 64, "groups": 2, "digest": "d"},
        "options": {"passes": {"lower": {"run_bits": 1}}},
        "totals": {"cycles": {"mean": 5000.0}, "transfer_cycles": 3000},
        "board": {"cells": {"lut": 10, "ff": 8, "bram": 7, "dsp": 6}},
    }

    def write(self, place: Path) -> None:
        """Leave the manifest."""
        place.mkdir(parents=True)
        (place / "emcc.json").write_text(json.dumps(self.manifest), encoding="utf-8")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What was asked of the stand-ins, and what they leave: a design that is placed, and misses its clock."""
    asked: Any = SimpleNamespace(sizes=[], builds=0, placed=PLACED, error=None)

    def compiled(**given: Any) -> Artefact:
        asked.sizes.append({key: given[key] for key in ("board", "pes") if key in given})
        if asked.error:
            raise asked.error
        return Artefact()

    def build(place: Path, options: Any, report: Any) -> None:
        asked.builds += 1
        where = place / "boards" / options.board
        where.mkdir(parents=True)
        (where / "bitstream.json").write_text(json.dumps(asked.placed), encoding="utf-8")
        raise EmccError("too slow, or more than there is", details=["LUTs: 9 of 8"])

    monkeypatch.setattr("emcc.compile", compiled)
    monkeypatch.setattr(boards, "build", build)
    monkeypatch.setattr(boards, "NETWORKS", dict.fromkeys(NETWORKS, lambda data, folder: {}))
    return asked


def test_a_row_is_at_the_best_clock_and_with_transfer(tools: Any, tmp_path: Path) -> None:
    row = boards.measured(ROW, 2, tmp_path, tmp_path)
    assert (row["fmax_mhz"], row["cycles"], row["ms"]) == ([75.0, 80.0], 8000.0, 0.1)
    assert (row["fits"], row["pes"], row["groups"], row["run_bits"], row["lut_words"]) == (True, 64, 2, 1, 32)
    assert [row[kind] for kind in ("lut", "ff", "bram", "dsp")] == [9, 8, 7, 6]
    assert (row["estimate"]["lut"], row["asked_mhz"]) == (10, 150)
    assert (
        boards.line(ROW.name, row)
        == "| ulx3s-85f/ad | 64, 2 | 75.0, 80.0 | 9 | 8 | 7 | 6 | 8,000 | 0.1 | 0.0625 | 0.1 | STM32H7A3 1.2 |"
    )
    assert boards.missed({ROW.name: row}) == []
    assert boards.missed({ROW.name: {**row, "ms": 0.101}}) == [ROW.name]
    # What is kept is not placed again, unless more seeds are asked for.
    assert boards.measured(ROW, 2, tmp_path, tmp_path) == row
    assert tools.builds == 1


def test_what_does_not_fit_is_a_row(tools: Any, tmp_path: Path) -> None:
    tools.placed = {**PLACED, "status": "failed"}
    row = boards.measured(ROW, 1, tmp_path, tmp_path)
    assert row == {"fits": False, "fmax_mhz": [], "reason": "too slow, or more than there is; LUTs: 9 of 8"}
    tools.error = EmccError("a design of 1 PE does not fit", details=["block RAMs: 51 needed, 30 there"])
    row = boards.measured(Row("icebreaker", "digits", 24, 2), 1, tmp_path, tmp_path)
    assert row["reason"] == "a design of 1 PE does not fit; block RAMs: 51 needed, 30 there"
    assert tools.sizes == [{"board": "ulx3s-85f"}, {"board": "icebreaker", "pes": 2}]
    assert boards.missed({ROW.name: row}) == [ROW.name]


def test_rows_are_put_beside_those_that_are_there(tools: Any, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    for name, code in (("ulx3s-85f/kws", 0), ("ulx3s-85f/ad", 0), ("icebreaker/lenet5_dns_sparse", 0)):
        assert boards.main(["--json", str(file), "--data", str(tmp_path), "--only", name]) == code
    assert list(json.loads(file.read_text("utf-8"))) == [
        *("ulx3s-85f/kws", "ulx3s-85f/ad", "icebreaker/lenet5_dns_sparse"),
    ]
    tools.placed = {**PLACED, "clock": {"hz": 150_000_000, "fmax_mhz": 79.0}}
    assert boards.main(["--json", str(file), "--data", str(tmp_path), "--only", "ulx3s-85f/ad"]) == 1


def test_every_row_can_be_asked_for() -> None:
    assert {row.network for row in ROWS} == set(NETWORKS)
    assert {row.name for row in ROWS} >= set(GOALS)
    assert set(PUBLISHED) == {name.partition("/")[2] for name in GOALS}
    for name, mhz in MHZ.items():
        board = catalogue.board(name)
        assert setting(board, round(mhz * 1e6)) is not None
        assert mhz * 1e6 >= board.clock.core_hz
