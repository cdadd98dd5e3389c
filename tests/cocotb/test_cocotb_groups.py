"""The modules of the array of column groups, and all of it, and the benches shown able to fail."""

import re

import pytest
from common import group_case
from common.simulator import simulate
from group_cases import BENCHES
from mutations_groups import seeded
from mutations_of_groups import FAULTS
from specimens import specimen

from emcc.backends.verilog import render_core

pytestmark = pytest.mark.sim
ALL = [(name, number) for name, faults in FAULTS.items() for number in range(1, len(faults) + 1)]


@pytest.mark.parametrize("name", BENCHES)
def test_module(check, tmp_path, name):
    bench = BENCHES[name]
    program, plan = specimen(bench.specimen)
    group_case.write(program, plan, tmp_path, bench.more(program, plan))
    design = group_case.design(bench.top, program, plan, bench.parameters(program, plan))
    check(design, f"bench_{bench.dut}", {}, tmp_path)


@pytest.mark.parametrize(("name", "number"), ALL, ids=[f"{name}: {FAULTS[name][at - 1].name}" for name, at in ALL])
def test_a_fault_in_the_rtl_is_red(tmp_path, name, number):
    bench, fault = BENCHES[name], FAULTS[name][number - 1]
    program, plan = specimen(bench.specimen)
    group_case.write(program, plan, tmp_path, bench.more(program, plan))
    changed = seeded(render_core(program, plan), FAULTS[name])
    design = group_case.design(bench.top, program, plan, bench.parameters(program, plan), changed)
    outcome = simulate(design, f"bench_{bench.dut}", tmp_path, {}, plusargs=[f"+fault={number}"])
    assert not outcome.passed, "the bench is green with a fault in the design"
    assert re.search(fault.says, outcome.log), f"red, but not because of {fault.says!r}:\n{outcome.complaint()}"
