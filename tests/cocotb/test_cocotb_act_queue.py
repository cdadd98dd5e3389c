"""Activation queue: sim/cocotb/act_queue."""

import pytest
from common.simulator import Design, library

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("log_depth", [4, 5])
def test_act_queue(check, log_depth):
    design = Design("emcc_act_queue", library(), {"Width": "21", "LogDepth": str(log_depth)})
    check(design, "bench_act_queue", {"depth": 1 << log_depth, "width": 21})
