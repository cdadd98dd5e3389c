"""The link and the serial line's ends against their models, and the benches shown able to fail."""

import re

import pytest
from common.simulator import Design, simulate
from mutations_link import FAULTS, WITH_WEIGHTS

from emcc.backends.verilog.library import library
from emcc.link.render import memory, package

pytestmark = pytest.mark.sim
HEADER = "rtl/emcc_assert.svh"
DIVS = (4, 5, 9)


def module(
    name: str, parameters: dict[str, str], act_w: int = 8, fault: tuple[str, str] | None = None, boot: bool = False
) -> Design:
    """One of the link's modules, with a text of it changed."""
    files = library([name])
    text = files[f"rtl/{name}.sv"].decode()
    if fault:
        assert text.count(fault[0]) == 1, f"{fault[0]!r} is not there once"
        text = text.replace(*fault)
    sizes = f"package emcc_cfg_pkg;\n  localparam int ActW = {act_w};\nendpackage\n"
    sources = {HEADER: files[HEADER], "rtl/emcc_cfg_pkg.sv": sizes.encode(), "rtl/emcc_link_pkg.sv": package(boot)}
    return Design(name, {**sources, f"rtl/{name}.sv": text.encode()}, parameters)


def link(place, act_w: int = 8, fault: tuple[str, str] | None = None, boot: bool = False) -> Design:
    """The link, and its memory at a place; with `boot` of a design that takes its weights."""
    (place / "rom").mkdir(parents=True, exist_ok=True)
    (place / "rom" / "link.hex").write_bytes(memory(act_w, "7e7d" * 16, "7e7d" * 4 if boot else ""))
    return module("emcc_link", {}, act_w, fault, boot)


@pytest.mark.parametrize("act_w", [8, 16])
def test_link(check, tmp_path, act_w):
    check(link(tmp_path, act_w), "bench_link", {"act_w": act_w}, tmp_path)


@pytest.mark.parametrize("act_w", [8, 16])
def test_link_with_weights(check, tmp_path, act_w):
    check(link(tmp_path, act_w, boot=True), "bench_link", {"act_w": act_w, "boot": True}, tmp_path)


@pytest.mark.parametrize("div", DIVS)
@pytest.mark.parametrize("end", ["rx", "tx"])
def test_uart(check, tmp_path, end, div):
    check(module(f"emcc_uart_{end}", {"Div": str(div)}), f"bench_uart_{end}", {"div": div}, tmp_path)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_rtl_is_red(tmp_path, name):
    boot = name in WITH_WEIGHTS
    outcome = simulate(link(tmp_path, 16, FAULTS[name], boot), "bench_link", tmp_path, {"act_w": 16, "boot": boot})
    assert not outcome.passed, "the bench is green with a fault in the design"
    assert re.search(r"RTL .*, reference|%Error|timeout|hardly", outcome.log), outcome.complaint()
