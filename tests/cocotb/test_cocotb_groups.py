"""The modules of the array of column groups, and all of it: sim/cocotb/{walk,scan,slice,sum,rows,host,core}."""

import pytest
from common import group_case
from group_cases import BENCHES
from specimens import specimen

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("name", BENCHES)
def test_module(check, tmp_path, name):
    bench = BENCHES[name]
    program, plan = specimen(bench.specimen)
    group_case.write(program, plan, tmp_path, bench.more(program, plan))
    design = group_case.design(bench.top, program, plan, bench.parameters(program, plan))
    check(design, f"bench_{bench.dut}", {}, tmp_path)
