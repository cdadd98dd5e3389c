"""The boot stream's decoder: sim/cocotb/boot, and the bench shown able to fail. All runs are of one build."""

import pytest
from common import boot_case
from common.simulator import Faulty, simulate_faults
from mutations_boot import BOOT
from mutations_groups import not_red, seeded

from emcc.backends.verilog.library import library

pytestmark = pytest.mark.sim
FAULTS = [(kind, fault) for kind, faults in BOOT.items() for fault in faults]


@pytest.fixture(scope="module")
def design():
    return boot_case.design(seeded(library(("emcc_huffman", "emcc_boot")), [fault for _, fault in FAULTS]))


def test_boot(check, design, tmp_path):
    boot_case.write(tmp_path)
    check(design, "bench_boot", {}, tmp_path)


def test_every_fault_in_the_decoder_is_red(tmp_path, design):
    runs = [Faulty(tmp_path / str(number), number) for number in range(1, len(FAULTS) + 1)]
    for run, (kind, _) in zip(runs, FAULTS, strict=True):
        run.place.mkdir()
        boot_case.write(run.place, (kind,))
    assert not not_red([fault for _, fault in FAULTS], simulate_faults(design, "bench_boot", runs, {}))
