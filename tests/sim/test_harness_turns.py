"""The harness on a top of two groups: beats in and out by turns, cycles that count, broadcasts in several groups."""

from pathlib import Path

import numpy as np
import pytest

from emcc.ir.graph import Array
from emcc.runtime.simulator import Run, Shape, Stalls, drive
from emcc.tools import verilator
from emcc.tools.process import ToolError

pytestmark = pytest.mark.sim
SHAPE = Shape(16, (3, -2, 2, -2), 3)


def run(folder: Path, beats: Array, fault: int = 0, stalls: Stalls | None = None, shape: Shape = SHAPE) -> Run:
    """Drive the toy of toy_groups.sv: integers [n, 5], what it takes and what the host answers."""
    (folder / "rom").mkdir()
    (folder / "rom" / "fault.hex").write_text(f"{fault:02x}\n")
    top = Path(__file__).with_name("toy_groups.sv").read_bytes()
    program = verilator.build({"rtl/files.f": b"rtl/emcc_top.sv\n", "rtl/emcc_top.sv": top})
    return drive(program, folder, shape, beats, max_cycles=1000, stalls=stalls, jobs=1)


def beats_in(count: int) -> Array:
    """Activations and answers, small enough for their sums."""
    return np.random.default_rng(count).integers(-1000, 1000, (count, 5))


@pytest.mark.parametrize("stalls", [None, Stalls(0.3, 0.6, seed=1), Stalls(0.9, 0.0), Stalls(0.0, 0.9)])
def test_beats_by_turns(tmp_path: Path, stalls: Stalls | None) -> None:
    beats = beats_in(40)
    ran = run(tmp_path, beats, stalls=stalls)
    assert ran.failure == ""
    a, b, c, d, e = beats.T
    np.testing.assert_array_equal(ran.words, np.stack([a + 1, b + 1, d + e, c], axis=1))
    # Two cycles of running, then one; two groups broadcast in the first, one waits in the last.
    expected = [3, 2, 1, 10, 0, 1, 2, 3]
    assert ran.records[:, [0, 1, 2, 4, 5, 6, 7]].tolist() == [expected[:3] + expected[4:]] * 40
    if stalls is None:
        assert (ran.records[:, 3] == expected[3]).all()
    else:
        assert (ran.records[:, 3] > expected[3]).any()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (1, "s_axis_tready is up while beats out are due"),
        (2, "m_axis_tvalid is up while beats in are due"),
        (3, "a step is done or something is broadcast in a cycle that does not count"),
        (4, "a step is done or something is broadcast in a cycle that does not count"),
        (5, "2 steps were done, there are 3"),
    ],
)
def test_a_fault_is_found(tmp_path: Path, fault: int, said: str) -> None:
    ran = run(tmp_path, beats_in(3), fault)
    assert said in ran.failure
    assert not ran.done.any()


def test_a_turn_of_another_length_is_found(tmp_path: Path) -> None:
    ran = run(tmp_path, np.zeros((1, 6), np.int64), shape=Shape(16, (3, -2, 3, -2), 3))
    assert "m_axis_tvalid is up while beats in are due" in ran.failure


@pytest.mark.parametrize("turns", [(-3, 2), (3, 2), (3, -2, 1), (3, 0), ()])
def test_turns_that_are_none_are_refused(tmp_path: Path, turns: tuple[int, ...]) -> None:
    with pytest.raises(ToolError, match="turns"):
        run(tmp_path, beats_in(1)[:, :3], shape=Shape(16, turns, 3))
