"""benchmarks/netlists.py: what Yosys makes of a design, cell by cell."""

import pytest
from qgraphs import quantised

from benchmarks import netlists
from emcc.eie.options import LowerOptions

pytestmark = [pytest.mark.sim, pytest.mark.synth]


def test_a_netlist_gives_the_integers_of_the_reference(tmp_path):
    """With sums wider than the adder of iCE40's multiplier, where Yosys 0.70 loses the product if it is let to."""
    row = netlists.measured(quantised([200, 4], seed=1), LowerOptions(pes=2), tmp_path / "design", 4)
    assert row["acc_w"] > 32
    assert row["multipliers"] == 2
    assert (row["inferences"], row["mismatches"], row["cycle_mismatches"]) == (4, 0, 0)


def test_a_netlist_with_registers_in_its_blocks_gives_them_too(tmp_path):
    """On ECP5: multipliers with operands and products in registers of their own, and memories with their outputs."""
    row = netlists.measured(quantised([60, 40, 9], seed=2), LowerOptions(pes=2), tmp_path / "design", 4, "ecp5-luts")
    assert row["multipliers"] == 2
    assert row["registers_moved"] > 0
    assert (row["inferences"], row["mismatches"], row["cycle_mismatches"]) == (4, 0, 0)
