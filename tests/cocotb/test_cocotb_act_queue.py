"""Activation queue: sim/cocotb/act_queue."""

import pytest
from common.simulator import Design, library, simulate

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("log_depth", [4, 5])
def test_act_queue(check, log_depth):
    design = Design("emcc_act_queue", library(), {"Width": "21", "LogDepth": str(log_depth)})
    check(design, "bench_act_queue", {"depth": 1 << log_depth, "width": 21})


def test_a_queue_that_is_too_short_says_so(tmp_path):
    design = Design("emcc_act_queue", library(), {"Width": "21", "LogDepth": "3"})
    outcome = simulate(design, "bench_act_queue", tmp_path, {"depth": 8, "width": 21})
    assert not outcome.passed
    assert "emcc_act_queue: 2**3 entries are not more than the 8 on their way" in outcome.log
