"""Leading non-zero detection: sim/cocotb/lnzd."""

import pytest
from common.simulator import Design, library

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("lanes", [1, 2, 5, 8, 64])
def test_lnzd(check, lanes):
    parameters = {"Lanes": str(lanes), "AddrW": "6", "ColW": "10"}
    check(Design("emcc_lnzd", library(), parameters), "bench_lnzd", {"lanes": lanes})
