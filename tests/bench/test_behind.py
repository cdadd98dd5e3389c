"""Registers behind a multiplexer of a memory's outputs go into its blocks, and what comes out stays as it was."""

import copy
import json
import random

import pytest
from netlist_run import run
from test_absorb import CLOCK, cell, netlist, register

from emcc.tools.absorb import absorb
from emcc.tools.yosys import synthesise


def lut(a, b, chosen_by, result):
    inputs = dict(zip("ABCD", (a, b, chosen_by, "0"), strict=True))
    return cell("LUT4", {"INIT": "1100101011001010"}, {"Z"}, **inputs, Z=result)


def block(address, outputs, width="10010"):
    wires = {"CLKA": CLOCK, "OCEA": "1", "RSTA": "0", "CLKB": "0", "OCEB": "1", "RSTB": "0"}
    settings = {"REGMODE_A": "NOREG", "REGMODE_B": "NOREG", "DATA_WIDTH_A": width, "DATA_WIDTH_B": width}
    pins = {f"ADA{i}": bit for i, bit in enumerate(address)}
    read = {f"DOA{i}": bit for i, bit in enumerate(outputs)}
    return cell("DP16KD", settings, set(read), **pins, **read, **wires)


@pytest.fixture
def folded():
    """Words of two bits, two beside each other in a block; what chooses came a cycle before, as the address did."""
    cells = {
        "ram": block((3, 4), (10, 11, 12, 13)),
        "select": register(5, 14),
        **{"m0": lut(10, 12, 14, 15), "m1": lut(11, 13, 14, 16)},
        **{"q0": register(15, 20), "q1": register(16, 21)},
    }
    return netlist(cells, 20, 21)


@pytest.fixture
def deep():
    """Three blocks of one bit, a tree of two multiplexers behind them, chosen by two bits; a second bit likewise."""
    cells = {f"ram{i}": block((3, 4), (10 + i, 30 + i)) for i in range(3)} | {
        "s0": register(5, 13),
        "s1": register(6, 14),
    }
    cells |= {f"s{i}": register(5 + i, 23 + i) for i in range(2)}
    for at, result in ((10, 20), (30, 21)):
        cells[f"a{at}"] = lut(at, at + 1, 23, at + 5)
        cells[f"b{at}"] = lut(at + 5, at + 2, 24, at + 6)
        cells[f"q{at}"] = register(at + 6, result)
    cells["more"] = lut(20, 21, 24, 40)
    cells["q"] = register(20, 41)
    return netlist(cells, 20, 21, 40, 41)


def same(before, after, inputs, outputs):
    rng = random.Random(1)
    stream = [{bit: rng.getrandbits(1) for bit in inputs} for _ in range(200)]
    old, new = (list(run(one["modules"]["top"], stream, outputs)) for one in (before, after))
    assert len(set(old[3:])) > 1
    return old[3:] == new[3:]


def modes(content):
    cells = content["modules"]["top"]["cells"].values()
    return {cell["parameters"]["REGMODE_A"] for cell in cells if cell["type"] == "DP16KD"}


def test_words_beside_each_other(folded):
    before = copy.deepcopy(folded)
    assert absorb(folded) == 2 - 1  # two registers go, what chooses has one more
    assert modes(folded) == {"OUTREG"}
    assert same(before, folded, (3, 4, 5), (20, 21))


def test_blocks_beside_each_other(deep):
    cells = deep["modules"]["top"]["cells"]
    del cells["b30"], cells["q30"]
    cells["q30"] = register(35, 21)  # its third block is read by nobody, and one bit less chooses
    cells["ram2"]["connections"].pop("DOA1")
    cells["third"] = register(36, 42)
    cells["c30"] = lut(30, 31, 24, 36)
    before = copy.deepcopy(deep)
    assert absorb(deep) == 3 - 2
    assert modes(deep) == {"OUTREG"}
    assert same(before, deep, (3, 4, 5, 6), (20, 21, 40, 41, 42))


def test_no_more_registers_than_that_saves(deep):
    before = copy.deepcopy(deep)
    assert absorb(deep) == 0
    assert deep == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cells, ports: cells["q1"]["parameters"].update(CEMUX="CE"),
        lambda cells, ports: cells["q1"]["parameters"].update(REGSET="SET"),
        lambda cells, ports: cells["q1"]["connections"].update(LSR=[30]),
        lambda cells, ports: cells["q1"]["connections"].update(CLK=[3]),
        lambda cells, ports: cells.update(other=register(16, 22)),
        lambda cells, ports: cells.update(other=register(11, 22)),
        lambda cells, ports: cells.update(other=cell("CCU2C", {}, {"S0"}, A0=13, S0=22)),
        lambda cells, ports: ports.update(raw={"direction": "output", "bits": [15]}),
        lambda cells, ports: ports.update(raw={"direction": "output", "bits": [10]}),
    ],
    ids=[
        *("enable", "set", "reset", "clock", "the choice is read twice", "a word is read by itself"),
        *("by a carry", "the choice leaves", "a word leaves"),
    ],
)
def test_a_register_stays_behind_where_more_is_read(folded, spoil):
    top = folded["modules"]["top"]
    spoil(top["cells"], top["ports"])
    before = copy.deepcopy(folded)
    assert absorb(folded) == 0
    assert folded == before


@pytest.mark.synth
@pytest.mark.parametrize(("words", "bits", "blocks"), [(1527, 12, 1), (5000, 9, 3)], ids=["folded", "deep"])
def test_what_yosys_writes_is_understood(tmp_path, words, bits, blocks):
    (tmp_path / "t.sv").write_text(
        f"""module top(input clk, input [12:0] a, output reg [{bits - 1}:0] d);
              (* rom_style = "block" *) reg [{bits - 1}:0] mem [0:{words - 1}]; reg [{bits - 1}:0] d0;
              initial $readmemh("m.hex", mem);
              always @(posedge clk) begin d0 <= mem[a]; d <= d0; end
            endmodule"""
    )
    (tmp_path / "m.hex").write_text("".join(f"{(i * 2654435761 >> 7) % (1 << bits):x}\n" for i in range(words)))
    assert synthesise(["t.sv"], "top", "synth_ecp5", cwd=tmp_path)["DP16KD"] == blocks
    content = json.loads((tmp_path / "netlist.json").read_text())
    ports = content["modules"]["top"]["ports"]
    before = copy.deepcopy(content)
    assert absorb(content) > 0
    assert modes(content) == {"OUTREG"}
    assert same(before, content, ports["a"]["bits"], ports["d"]["bits"])
