"""The table of memories is what Yosys finds in the emitted design."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hand_qgraphs import PLAIN, Hand
from qgraphs import quantised

from benchmarks import block_rams
from benchmarks.common import parts
from benchmarks.common.netlist import synthesised
from emcc.backends import rom, verilog
from emcc.boards.memories.layout import LIBRARY
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.eie.lower import lower
from emcc.eie.memory import Memory
from emcc.eie.options import LowerOptions
from emcc.files.artefact import Artefact
from emcc.ir.graph import Graph
from emcc.tools import nextpnr
from emcc.tools.yosys import yosys

pytestmark = [pytest.mark.sim, pytest.mark.slow]


def in_design(modules: dict[str, Any], name: str) -> Counter[tuple[int, int]]:
    """(words, bits a word) of the memories in a module and below it."""
    counts: Counter[tuple[int, int]] = Counter()
    for cell in modules[name]["cells"].values():
        if cell["type"].startswith("$mem"):
            counts[int(cell["parameters"]["SIZE"], 2), int(cell["parameters"]["WIDTH"], 2)] += 1
        elif cell["type"] in modules:
            counts += in_design(modules, cell["type"])
    return counts


def found(files: Mapping[str, bytes], folder: Path) -> Counter[tuple[int, int]]:
    """(words, bits a word) of the memories in a design, by Yosys."""
    Artefact({**files, "mark": b""}).write(folder, marker="mark")
    names = [name for name in files["rtl/files.f"].decode().split() if name.endswith(".sv")]
    steps = "hierarchy -top emcc_top; proc; opt_expr; opt_clean; memory_collect; write_json memories.json"
    yosys(f"read_verilog -sv -Irtl {' '.join(names)}; {steps}", cwd=folder)
    return in_design(json.loads((folder / "memories.json").read_text())["modules"], "emcc_top")


def told(rows: Iterable[Memory]) -> Counter[tuple[int, int]]:
    """The same, by a table of memories."""
    expected: Counter[tuple[int, int]] = Counter()
    for memory in rows:
        expected[memory.words, memory.width] += memory.copies
    return expected


def convolutional() -> Graph:
    """A convolution, a depthwise one, a sum, a pool."""
    net = Hand((4, 5, 5))
    first = net.conv("x0", 8, kernel=(3, 3))
    net.node("MaxPool", [net.add(first, net.conv(first, 8, group=8))], {**PLAIN, "kernel_shape": (2, 2)})
    return net.graph()


@pytest.mark.parametrize(
    ("graph", "options"),
    [
        (quantised([60, 40, 30, 9], seed=1), LowerOptions(pes=3, queue_depth=16)),
        (quantised([60, 40, 9], functions=["table", "identity"], seed=2, code_w=8), LowerOptions(pes=4, groups=2)),
        (convolutional(), LowerOptions(pes=8, groups=4, queue_depth=16)),
    ],
)
def test_yosys_finds_the_memories_of_the_table(graph: Graph, options: LowerOptions, tmp_path: Path) -> None:
    program = lower(graph, options)
    files = {**verilog.render_core(program), **rom.render(rom.core_images(program), "hex")}
    assert found(files, tmp_path / "design") == told(core_memories(Context(program, plan(program))))


def test_block_rams_are_counted_as_yosys_maps_them(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One small design on one family; benchmarks/block_rams.py has larger ones on three, and what nextpnr packs.

    Memories are mapped before logic, and nothing after that is looked at: synthesis ends there.
    """
    family = nextpnr.FAMILIES["ecp5"]
    short = replace(family, synth=f"{family.synth} -run begin:map_ffram", pads=LIBRARY)
    monkeypatch.setitem(nextpnr.FAMILIES, "ecp5", short)
    graph, options = block_rams.DESIGNS["small"]
    design = replace(parts.DESIGNS["ecp5-85f-16pe"], options=options)
    program, cells = synthesised(graph, design, tmp_path / "design")
    assert block_rams.block_rams(core_memories(Context(program, plan(program))), "ecp5") == cells["DP16KD"] == 4
