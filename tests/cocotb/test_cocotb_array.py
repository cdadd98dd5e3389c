"""The whole array, as emitted: sim/cocotb/array."""

import pytest
from cocotb_cases import ARRAY, ARRAY_SLOW, parameters
from common import array_case

from emcc.eie import cycles

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("case", parameters(ARRAY, ARRAY_SLOW))
def test_array(check, tmp_path, case):
    program = case.program()
    x = array_case.inputs(program, array_case.KINDS)
    assert not case.stalls or cycles.count(program, x).stalls.any()
    array_case.write(program, x, tmp_path)
    check(array_case.design(program), "bench_array", {"pes": case.pes}, tmp_path)
