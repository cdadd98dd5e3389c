"""The modules of the array of column groups, and all of it, and the benches shown able to fail."""

import pytest
from common import group_case
from common.simulator import Faulty, simulate_faults
from group_cases import BENCHES
from mutations_groups import not_red, seeded
from mutations_of_groups import FAULTS
from specimens import specimen

from emcc.backends.verilog import render_core

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("name", BENCHES)
def test_module(check, tmp_path, name):
    bench = BENCHES[name]
    program, plan = specimen(bench.specimen)
    group_case.write(program, plan, tmp_path, bench.more(program, plan))
    design = group_case.design(bench.top, program, plan, bench.parameters(program, plan))
    check(design, f"bench_{bench.dut}", {}, tmp_path)


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_in_the_rtl_is_red(tmp_path, name):
    bench, faults = BENCHES[name], FAULTS[name]
    program, plan = specimen(bench.specimen)
    design = group_case.design(
        bench.top, program, plan, bench.parameters(program, plan), seeded(render_core(program, plan), faults)
    )
    runs = [Faulty(tmp_path / str(number), number) for number in range(1, len(faults) + 1)]
    for run in runs:
        group_case.write(program, plan, run.place, bench.more(program, plan))
    assert not not_red(faults, simulate_faults(design, f"bench_{bench.dut}", runs, {}))
