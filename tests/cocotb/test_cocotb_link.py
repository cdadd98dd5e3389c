"""The link and the serial line's ends against their models, and the benches shown able to fail."""

from collections.abc import Sequence

import pytest
from common.simulator import Design, Faulty, simulate_faults
from mutations_groups import Fault, not_red, seeded
from mutations_link import LINK, WITH_WEIGHTS

from emcc.backends.verilog.library import library
from emcc.link.render import memory, package

pytestmark = pytest.mark.sim
HEADER = "rtl/emcc_assert.svh"
DIVS = (4, 5, 9)


def module(
    name: str, parameters: dict[str, str], act_w: int = 8, faults: Sequence[Fault] = (), boot: bool = False
) -> Design:
    """One of the link's modules, with faults."""
    files = library([name])
    sizes = f"package emcc_cfg_pkg;\n  localparam int ActW = {act_w};\nendpackage\n"
    sources = {HEADER: files[HEADER], "rtl/emcc_cfg_pkg.sv": sizes.encode(), "rtl/emcc_link_pkg.sv": package(boot)}
    changed = seeded(files, faults) if faults else {f"rtl/{name}.sv": files[f"rtl/{name}.sv"]}
    return Design(name, {**sources, **changed}, parameters)


def link(place, act_w: int = 8, boot: bool = False) -> Design:
    """The link, and its memory at a place; with `boot` of a design that takes its weights."""
    write_memory(place, act_w, boot)
    return module("emcc_link", {}, act_w, boot=boot)


def write_memory(place, act_w: int, boot: bool) -> None:
    """The link's memory."""
    (place / "rom").mkdir(parents=True, exist_ok=True)
    (place / "rom" / "link.hex").write_bytes(memory(act_w, "7e7d" * 16, "7e7d" * 4 if boot else ""))


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


@pytest.mark.parametrize(("faults", "boot"), [(LINK, False), (WITH_WEIGHTS, True)], ids=["link", "with weights"])
def test_every_fault_in_the_rtl_is_red(tmp_path, faults, boot):
    runs = [Faulty(tmp_path / str(number), number) for number in range(1, len(faults) + 1)]
    for run in runs:
        write_memory(run.place, 16, boot)
    design = module("emcc_link", {}, 16, faults, boot)
    assert not not_red(faults, simulate_faults(design, "bench_link", runs, {"act_w": 16, "boot": boot}))
