"""The boot stream's decoder: sim/cocotb/boot, and the bench shown able to fail. All runs are of one build."""

import re

import pytest
from common import boot_case
from common.simulator import simulate
from mutations_boot import BOOT
from mutations_groups import seeded

from emcc.backends.verilog.library import library

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def design():
    return boot_case.design(seeded(library(("emcc_huffman", "emcc_boot")), BOOT))


def test_boot(check, design):
    check(design, "bench_boot", {})


@pytest.mark.parametrize("number", range(1, len(BOOT) + 1), ids=[fault.name for fault in BOOT])
def test_a_fault_in_the_decoder_is_red(tmp_path, design, number):
    outcome = simulate(design, "bench_boot", tmp_path, {}, plusargs=[f"+fault={number}"])
    assert not outcome.passed, "the bench is green with a fault in the design"
    says = BOOT[number - 1].says
    assert re.search(says, outcome.log), f"red, but not because of {says!r}:\n{outcome.complaint()}"
