"""The harness against ports of both widths, in one process and in several."""

from pathlib import Path

import fst
import numpy as np
import pytest
import toy

from emcc.runtime.simulator import drive
from emcc.tools import verilator
from emcc.tools.process import ToolError

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("act_w", [8, 16])
def test_every_integer_arrives_and_comes_back(tmp_path: Path, act_w: int) -> None:
    slots = toy.random_slots(30, act_w)
    ran = toy.run(tmp_path, slots, act_w=act_w)
    assert ran.failure == ""
    assert np.array_equal(ran.words, toy.expected(slots, act_w))


def test_cycles_and_counters(tmp_path: Path) -> None:
    # 3 words in, which do not count; a cycle each of 2 passes (the first broadcasts, the second stalls); 3 words out.
    ran = toy.run(tmp_path, toy.random_slots(5))
    assert ran.records.tolist() == [[5, 1, 1, 3, 0, 1, 2]] * 5


def test_processes_share_the_work_without_a_difference(tmp_path: Path) -> None:
    slots = toy.random_slots(101)
    runs = [toy.run(tmp_path, slots, jobs=jobs) for jobs in (1, 3)]
    assert np.array_equal(runs[0].words, runs[1].words)
    assert np.array_equal(runs[0].records, runs[1].records)


def test_progress_ends_with_everything_done(tmp_path: Path) -> None:
    toy.run(tmp_path, toy.random_slots(1))
    seen: list[int] = []
    slots = toy.random_slots(70)
    drive(verilator.build(toy.sources()), tmp_path, toy.shape(), slots, jobs=2, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 70


def test_a_trace_is_written(tmp_path: Path) -> None:
    trace = tmp_path / "waves.fst"
    assert toy.run(tmp_path, toy.random_slots(2), trace=trace).failure == ""
    assert b"s_axis_tready" in fst.hierarchy(trace.read_bytes())


def test_a_shape_that_is_not_the_design_s_is_refused(tmp_path: Path) -> None:
    toy.run(tmp_path, toy.random_slots(1))
    with pytest.raises(ToolError, match="s_axis_tdata holds 2 bytes; --act-bytes is 1"):
        drive(verilator.build(toy.sources()), tmp_path, toy.shape(8), toy.random_slots(1, 8))
