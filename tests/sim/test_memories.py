"""The table of memories is what Yosys finds in the emitted design."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from qgraphs import quantised

from benchmarks import block_rams
from benchmarks.common import parts
from benchmarks.common.netlist import synthesised
from emcc.backends import rom, verilog
from emcc.eie.layout import Layout
from emcc.eie.lower import lower
from emcc.eie.memory import memories
from emcc.eie.options import LowerOptions
from emcc.files.artefact import Artefact
from emcc.tools.yosys import yosys

pytestmark = [pytest.mark.sim, pytest.mark.slow]

DESIGNS = {
    "relu": (quantised([60, 40, 30, 9], seed=1), LowerOptions(pes=4)),
    "table": (quantised([60, 40, 9], functions=["table", "identity"], seed=2), LowerOptions(pes=3, queue_depth=16)),
    "one_bank": (quantised([90, 70, 9], seed=3, code_w=8), LowerOptions(pes=2, overlap=False, prefetch=False)),
}


def in_design(modules: dict[str, Any], name: str) -> Counter[tuple[int, int]]:
    """(words, bits a word) of the memories in a module and below it."""
    counts: Counter[tuple[int, int]] = Counter()
    for cell in modules[name]["cells"].values():
        if cell["type"].startswith("$mem"):
            counts[int(cell["parameters"]["SIZE"], 2), int(cell["parameters"]["WIDTH"], 2)] += 1
        elif cell["type"] in modules:
            counts += in_design(modules, cell["type"])
    return counts


@pytest.mark.parametrize("name", DESIGNS)
def test_yosys_finds_the_memories_of_the_table(name: str, tmp_path: Any) -> None:
    program = lower(*DESIGNS[name])
    files = {**verilog.render(program), **rom.render(rom.images(program), "hex"), "mark": b""}
    Artefact(files).write(tmp_path / "design", marker="mark")
    names = files["rtl/files.f"].decode().split()
    steps = "hierarchy -top emcc_top; proc; opt_expr; opt_clean; memory_collect; write_json memories.json"
    yosys(f"read_verilog -sv {' '.join(names)}; {steps}", cwd=tmp_path / "design")
    modules = json.loads((tmp_path / "design" / "memories.json").read_text())["modules"]
    expected: Counter[tuple[int, int]] = Counter()
    for memory in memories(Layout(program)):
        expected[memory.words, memory.width] += memory.copies
    assert in_design(modules, "emcc_top") == expected


def test_block_rams_are_counted_as_yosys_maps_them(tmp_path: Any) -> None:
    """One small design on one family; benchmarks/block_rams.py has larger ones on three, and what nextpnr packs."""
    graph, options = block_rams.DESIGNS["small"]
    design = replace(parts.DESIGNS["ecp5-85f-16pe"], options=options)
    program, cells = synthesised(graph, design, tmp_path / "design")
    assert block_rams.block_rams(memories(Layout(program)), "ecp5") == cells["DP16KD"] == 2
