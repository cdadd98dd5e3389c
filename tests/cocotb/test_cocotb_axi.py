"""The AXI top and its streams under cocotbext-axi, and their benches shown able to fail."""

import re
from pathlib import Path

import axi_case
import pytest
from common.simulator import Design, simulate
from mutations_axi import FAULTS, OVERLAPPING, SEEN
from mutations_groups import seeded

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


@pytest.mark.parametrize("number", range(1, len(FAULTS) + 1), ids=[fault.name for fault in FAULTS])
def test_a_fault_in_the_rtl_is_red(tmp_path, monkeypatch, number):
    test, fault = SEEN[number - 1]
    monkeypatch.setenv("COCOTB_TEST_FILTER", re.escape(test) + "$")
    axi_case.write(tmp_path)
    design = axi_case.design(seeded(axi_case.files(), FAULTS))
    outcome = simulate(design, "bench_axi", tmp_path, {}, plusargs=[f"+fault={number}"])
    assert not outcome.passed, "the bench is green with a fault in the design"
    assert re.search(fault.says, outcome.log), f"red, but not because of {fault.says!r}:\n{outcome.complaint()}"


def test_the_axi_top_with_the_next_input_on_its_way(check, tmp_path):
    axi_case.write(tmp_path, axi_case.OVERLAPPING)
    check(axi_case.design(name=axi_case.OVERLAPPING), "bench_axi_next_input", {}, tmp_path)


@pytest.mark.parametrize("number", range(1, len(OVERLAPPING) + 1), ids=[fault.name for fault in OVERLAPPING])
def test_a_fault_in_what_overlaps_is_red(tmp_path, monkeypatch, number):
    fault = OVERLAPPING[number - 1]
    monkeypatch.setenv("COCOTB_TEST_FILTER", re.escape("inferences_overlap/gap=0.0") + "$")
    axi_case.write(tmp_path, axi_case.OVERLAPPING)
    design = axi_case.design(seeded(axi_case.files(axi_case.OVERLAPPING), OVERLAPPING), axi_case.OVERLAPPING)
    outcome = simulate(design, "bench_axi_next_input", tmp_path, {}, plusargs=[f"+fault={number}"])
    assert not outcome.passed, "the bench is green with a fault in the design"
    assert re.search(fault.says, outcome.log), f"red, but not because of {fault.says!r}:\n{outcome.complaint()}"
