"""The harness against ports of every kind that Verilator makes: 8 to 2048 bits, in one process and in several."""

from pathlib import Path

import fst
import numpy as np
import pytest
import toy

from emcc.runtime.simulator import Shape, drive
from emcc.tools import verilator
from emcc.tools.process import ToolError

pytestmark = pytest.mark.sim


@pytest.mark.parametrize(("lanes", "act_w"), [(1, 8), (1, 16), (3, 8), (4, 8), (5, 8), (4, 16), (5, 16), (128, 16)])
def test_every_lane_arrives_and_comes_back(tmp_path: Path, lanes: int, act_w: int) -> None:
    slots = toy.random_slots(30, lanes, act_w)
    ran = toy.run(tmp_path, slots, act_w=act_w)
    assert ran.failure == ""
    assert np.array_equal(ran.words, toy.expected(slots, act_w))


def test_cycles_and_counters(tmp_path: Path) -> None:
    # 3 words in, a cycle each of 2 layers (the first broadcasts, the second stalls), 3 words out.
    ran = toy.run(tmp_path, toy.random_slots(5, 4))
    assert ran.records.tolist() == [[8, 1, 1, 0, 4, 5]] * 5


def test_processes_share_the_work_without_a_difference(tmp_path: Path) -> None:
    slots = toy.random_slots(101, 4)
    runs = [toy.run(tmp_path, slots, jobs=jobs) for jobs in (1, 3)]
    assert np.array_equal(runs[0].words, runs[1].words)
    assert np.array_equal(runs[0].records, runs[1].records)


def test_progress_ends_with_everything_done(tmp_path: Path) -> None:
    toy.run(tmp_path, toy.random_slots(1, 4))
    seen: list[int] = []
    shape = Shape(4, 16, (toy.WORDS, -toy.WORDS), toy.LAYERS)
    slots = toy.random_slots(70, 4)
    drive(verilator.build(toy.sources()), tmp_path, shape, slots, jobs=2, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 70


def test_a_trace_is_written(tmp_path: Path) -> None:
    trace = tmp_path / "waves.fst"
    assert toy.run(tmp_path, toy.random_slots(2, 4), trace=trace).failure == ""
    assert b"s_axis_tready" in fst.hierarchy(trace.read_bytes())


def test_a_shape_that_is_not_the_design_s_is_refused(tmp_path: Path) -> None:
    toy.run(tmp_path, toy.random_slots(1, 4))
    wrong = Shape(8, 16, (toy.WORDS, -toy.WORDS), toy.LAYERS)
    with pytest.raises(ToolError, match="s_axis_tdata holds 8 bytes; --lanes and --act-bytes need 16"):
        drive(verilator.build(toy.sources()), tmp_path, wrong, toy.random_slots(1, 8))
