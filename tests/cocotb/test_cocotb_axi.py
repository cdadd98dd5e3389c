"""The AXI top and its streams under cocotbext-axi, and their benches shown able to fail."""

import re
from pathlib import Path

import axi_case
import pytest
from common.simulator import Design, Faulty, simulate_faults
from mutations_axi import FAULTS, OVERLAPPING, SEEN
from mutations_groups import not_red, seeded

pytestmark = pytest.mark.sim
AXIS = Path(__file__).parents[2] / "sim" / "cocotb" / "axis" / "emcc_axis_bench.sv"


def axis(item_w: int, items: int) -> Design:
    """Beats to items and back."""
    files = axi_case.files()
    names = ["emcc_assert.svh", "emcc_skid.sv", "emcc_axis_unpack.sv", "emcc_axis_pack.sv"]
    sources = {**{f"rtl/{name}": files[f"rtl/{name}"] for name in names}, AXIS.name: AXIS.read_bytes()}
    return Design("emcc_axis_bench", sources, {"ItemW": str(item_w), "Items": str(items)})


@pytest.mark.parametrize(("item_w", "items"), [(16, 2), (8, 1), (8, 8)])
def test_beats_to_items_and_back(check, item_w, items):
    check(axis(item_w, items), "bench_axis", {"item_w": item_w, "items": items})


def test_the_axi_top(check, tmp_path):
    axi_case.write(tmp_path)
    check(axi_case.design(), "bench_axi", {}, tmp_path)


def test_every_fault_in_the_rtl_is_red(tmp_path):
    runs = [
        Faulty(tmp_path / str(number), number, re.escape(test) + "$") for number, (test, _) in enumerate(SEEN, start=1)
    ]
    for run in runs:
        axi_case.write(run.place)
    design = axi_case.design(seeded(axi_case.files(), FAULTS))
    assert not not_red(FAULTS, simulate_faults(design, "bench_axi", runs, {}))


def test_the_axi_top_with_the_next_input_on_its_way(check, tmp_path):
    axi_case.write(tmp_path, axi_case.OVERLAPPING)
    check(axi_case.design(name=axi_case.OVERLAPPING), "bench_axi_next_input", {}, tmp_path)


def test_every_fault_in_what_overlaps_is_red(tmp_path):
    name = re.escape("inferences_overlap/gap=0.0") + "$"
    runs = [Faulty(tmp_path / str(number), number, name) for number in range(1, len(OVERLAPPING) + 1)]
    for run in runs:
        axi_case.write(run.place, axi_case.OVERLAPPING)
    design = axi_case.design(seeded(axi_case.files(axi_case.OVERLAPPING), OVERLAPPING), axi_case.OVERLAPPING)
    assert not not_red(OVERLAPPING, simulate_faults(design, "bench_axi_next_input", runs, {}))
