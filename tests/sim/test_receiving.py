"""The next input while this one runs, in Verilator: receiving that an answer does not hide, with its bound."""

from pathlib import Path

import numpy as np
import pytest
from grouped import faults, simulated
from qgraphs import inputs, quantised

from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.runtime.simulator import COUNTERS, Stalls

pytestmark = pytest.mark.sim


def test_receiving_is_seen_where_an_answer_is_sooner(tmp_path: Path) -> None:
    """A layer that reads its input to the end; neither tables nor multipliers: what is received is soon there."""
    program = lower(quantised([300, 6]), LowerOptions(pes=4, groups=2, next_input=True))
    x = {"x": inputs(20, 300)}
    ran, traffic = simulated(program, x, tmp_path)
    assert not faults(program, ran, traffic)
    exposed = ran.records[1:, COUNTERS.index("exposed")]
    assert exposed.all()
    assert (traffic.exposed[:-1] - exposed).max() < 30
    alone = traffic.cycles + traffic.transfer
    assert (ran.records[1:, 0] + ran.records[1:, 3] < alone[1:]).all()
    for stalls in (Stalls(0.6, 0.0, seed=1), Stalls(0.0, 0.9, seed=2), Stalls(0.4, 0.4, seed=3)):
        ran, traffic = simulated(program, x, tmp_path, stalls)
        assert not faults(program, ran, traffic, timed=False)
        np.testing.assert_array_equal(ran.records[:, 0], traffic.cycles)
