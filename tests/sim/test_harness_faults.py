"""Every check of the Verilator harness, shown to fail on a design that breaks it, and on that alone."""

from pathlib import Path

import numpy as np
import pytest
import toy

from emcc.base.errors import EmccError
from emcc.runtime.simulator import Stalls

pytestmark = pytest.mark.sim
STALLED = Stalls(0.3, 0.6, seed=1)


@pytest.mark.parametrize(
    ("fault", "stalls", "said"),
    [
        (1, None, "inference 0, cycle 7: m_axis_tlast is up on output beat 2 of 3"),
        (2, None, "inference 0, cycle 8: m_axis_tlast is down on output beat 3 of 3"),
        (3, STALLED, "m_axis_tdata changed while stalled"),
        (4, STALLED, "m_axis_tvalid fell before tready came"),
        (5, STALLED, "m_axis_tlast changed while stalled"),
        (6, None, "inference 0, cycle 8: s_axis_tready is up while beats out are due"),
        (7, None, "nothing completed in 1000 cycles (3 beats in, 0 steps done, 0 beats out)"),
        (8, None, "inference 0, cycle 5: an assertion of the design failed"),
        (9, None, "inference 0, cycle 8: 1 steps were done, there are 2"),
        (10, None, "inference 0, cycle 6: more steps are done than there are"),
        (11, Stalls(0.9, 0.0), "m_axis_tvalid is up with no inference under way"),
        (12, None, "inference 20, cycle 901: m_axis_tvalid is up with no inference under way"),
        (13, None, "the design called $finish"),
        (14, None, "m_axis_tvalid is up in reset"),
        (15, None, "nothing completed in 1000 cycles (0 beats in, 0 steps done, 0 beats out)"),
    ],
)
def test_a_fault_is_found(tmp_path: Path, fault: int, stalls: Stalls | None, said: str) -> None:
    ran = toy.run(tmp_path, toy.random_slots(20), fault=fault, stalls=stalls)
    assert said in ran.failure
    assert ran.done.all() == (fault == 12)


@pytest.mark.parametrize("stalls", [None, STALLED, Stalls(0.9, 0.0), Stalls(0.0, 0.9)])
def test_no_fault_is_found_in_a_design_that_has_none(tmp_path: Path, stalls: Stalls | None) -> None:
    slots = toy.random_slots(50)
    ran = toy.run(tmp_path, slots, stalls=stalls)
    assert ran.failure == ""
    assert ran.done.all()
    assert np.array_equal(ran.words, toy.expected(slots))


def test_what_completed_before_a_failure_is_kept(tmp_path: Path) -> None:
    slots = toy.random_slots(40)
    ran = toy.run(tmp_path, slots, fault=4, stalls=Stalls(0.0, 0.05, seed=3))
    kept = int(ran.done.sum())
    assert 0 < kept < 40
    assert not ran.done[kept:].any()
    assert f"inference {kept}," in ran.failure
    assert np.array_equal(ran.words[:kept], toy.expected(slots[:kept]))
    assert not ran.words[kept:].any()


def test_a_failure_in_a_later_process_counts_from_the_first_inference(tmp_path: Path) -> None:
    ran = toy.run(tmp_path, toy.random_slots(64), fault=12, jobs=4)
    assert "inference 16," in ran.failure


@pytest.mark.parametrize("content", [None, "g0\n"])
def test_a_missing_or_damaged_rom_image_is_told(tmp_path: Path, content: str | None) -> None:
    slots = toy.random_slots(1)
    toy.run(tmp_path, slots)
    image = tmp_path / "rom" / "fault.hex"
    image.unlink()
    if content:
        image.write_text(content)
    from emcc.runtime.simulator import drive
    from emcc.tools import verilator

    program = verilator.build(toy.sources())
    with pytest.raises(EmccError, match=r"ROM images are missing or damaged\n.*rom/fault.hex"):
        drive(program, tmp_path, toy.shape(), slots)
