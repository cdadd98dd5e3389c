"""The boot stream's decoder: sim/cocotb/boot, and the bench shown able to fail. All runs are of one build."""

import re

import pytest
from common import boot_case
from common.simulator import simulate
from mutations_boot import BOOT
from mutations_groups import seeded

from emcc.backends.verilog.library import library

pytestmark = pytest.mark.sim
FAULTS = [(kind, fault) for kind, faults in BOOT.items() for fault in faults]


@pytest.fixture(scope="module")
def design():
    return boot_case.design(seeded(library(("emcc_huffman", "emcc_boot")), [fault for _, fault in FAULTS]))


def test_boot(check, design, tmp_path):
    boot_case.write(tmp_path)
    check(design, "bench_boot", {}, tmp_path)


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.name for _, fault in FAULTS])
def test_a_fault_in_the_decoder_is_red(tmp_path, design, number):
    kind, fault = FAULTS[number]
    boot_case.write(tmp_path, (kind,))
    outcome = simulate(design, "bench_boot", tmp_path, {}, plusargs=[f"+fault={number + 1}"])
    assert not outcome.passed, "the bench is green with a fault in the design"
    assert re.search(fault.says, outcome.log), f"red, but not because of {fault.says!r}:\n{outcome.complaint()}"
