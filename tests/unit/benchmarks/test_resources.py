"""The model of cells is what the counts of real synthesis say, and the counts are of today's designs."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from benchmarks import resources
from benchmarks.common.cells.counted import part_of
from benchmarks.common.cells.fit import fitted, written
from benchmarks.common.cells.fitted import FITTED, words_of
from emcc.eie.blockram import FAMILIES
from emcc.eie.cells.features import quantities
from emcc.eie.cells.model import cells, estimate

CHEAP = [
    *((family, name) for family in FAMILIES for name in ("mlp-2", "mlp-9")),
    ("ecp5", "conv-4"),
    ("ecp5", "conv-6"),
    *(("ecp5", name) for name in ("mlp-11@32", "mlp-5@64", "mlp-12@128")),
    ("gowin", "mlp-12@128"),
]


def counts(family: str) -> Any:
    """The file of a family's counts."""
    return json.loads(resources.counts_of(family).read_text("utf-8"))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_model_is_fitted_to_the_counts(family: str) -> None:
    found = counts(family)
    text = written(family, found["designs"], counts("ecp5")["designs"], found["tools"])
    assert (resources.ROOT / "hw" / "cells" / f"{family}.toml").read_text("utf-8") == text


def test_a_design_that_is_left_out_is_foretold() -> None:
    designs, off = counts("ecp5")["designs"], []
    for name, row in designs.items():
        others = fitted({other: row for other, row in designs.items() if other != name})
        off.append(abs(estimate(row["quantities"], others)["lut"] / row["lut"] - 1))
    assert sorted(off)[len(off) // 2] < 0.05
    assert sum(one > resources.MOST for one in off) <= len(off) // 10


@pytest.mark.parametrize(("family", "name"), CHEAP)
def test_counts_are_of_todays_designs(family: str, name: str, tmp_path: Path) -> None:
    row, context = counts(family)["designs"][name], resources.context_of(FITTED[name](tmp_path))
    words = words_of(name)
    assert quantities(context, family, words) == row["quantities"]
    found = cells(context, family, words)
    assert (found.bram, found.dsp) == (row["bram"], row["dsp"])
    assert abs(found.lut / row["lut"] - 1) < resources.MOST


def test_a_cell_belongs_to_one_part() -> None:
    names = {
        "pe": "u_uart_top.u_top.u_core.gen_group[1].gen_pe[3].u_slice.u_acc.sum_LUT4_Z",
        "group": "u_uart_top.u_top.u_core.gen_group[0].u_scan.u_words.count_CCU2C_S0",
        "lane": "u_uart_top.u_top.u_core.gen_lane[2].u_sum.u_requant.near_LUT4_A",
        "memory": "u_uart_top.u_top.u_spmat_001.data_q_LUT4_Z",
        "rest": "u_uart_top.u_link.idx_q_TRELLIS_FF_Q",
        "added": "$nextpnr_CCU2C_12$CCU2_COMB0",
    }
    assert {part: part_of(name) for part, name in names.items()} == {part: part for part in names}


def test_what_is_off_is_not_good(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "pes": 4,
        "groups": 2,
        "model": {"lut": 1160, "ff": 90, "bram": 5, "dsp": 4},
        "nextpnr": {"lut": 1000, "ff": 100, "bram": 6, "dsp": 4},
        "off": {"lut": 0.16, "ff": -0.1},
    }
    assert resources.line("net", row) == "| net | 4, 2 | 1,160 | 1,000 | +16.0 % | 100 | -10.0 % | 5, not 6 | 4 |"
