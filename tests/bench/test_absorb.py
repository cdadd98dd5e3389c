"""Registers move into ECP5's blocks where they may, and stay where they may not."""

import copy
import json

import pytest

from emcc.tools.absorb import absorb
from emcc.tools.yosys import synthesise

CLOCK = 2
PLAIN = {"CEMUX": "1 ", "CLKMUX": "CLK", "GSR": "DISABLED", "LSRMUX": "LSR", "REGSET": "RESET"}


def cell(kind, parameters, outputs, **wires):
    directions = {port: "output" if port in outputs else "input" for port in wires}
    connections = {port: [bit] for port, bit in wires.items()}
    return {"type": kind, "parameters": parameters, "port_directions": directions, "connections": connections}


def register(source, result, **more):
    return cell("TRELLIS_FF", dict(PLAIN), {"Q"}, CLK=CLOCK, DI=source, Q=result, **{"LSR": "0", **more})


def netlist(cells, *outputs):
    ports = {f"o{bit}": {"direction": "output", "bits": [bit]} for bit in outputs}
    return {"modules": {"top": {"ports": ports, "cells": cells}}}


@pytest.fixture
def memory():
    wires = {"CLKA": CLOCK, "OCEA": "1", "RSTA": "0", "CLKB": "0", "OCEB": "1", "RSTB": "0"}
    ram = cell("DP16KD", {"REGMODE_A": "NOREG", "REGMODE_B": "NOREG"}, {"DOA0", "DOA1"}, DOA0=10, DOA1=11, **wires)
    return netlist({"ram": ram, "q0": register(10, 20), "q1": register(11, 21)}, 20, 21)


def test_a_memory_takes_its_output_register(memory):
    assert absorb(memory) == 2
    (ram,) = memory["modules"]["top"]["cells"].values()
    assert ram["parameters"] == {"REGMODE_A": "OUTREG", "REGMODE_B": "NOREG"}
    assert (ram["connections"]["DOA0"], ram["connections"]["DOA1"]) == ([20], [21])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cells, ports: cells["q1"]["parameters"].update(CEMUX="CE"),
        lambda cells, ports: cells["q1"]["parameters"].update(REGSET="SET"),
        lambda cells, ports: cells["q1"]["connections"].update(LSR=[30]),
        lambda cells, ports: cells["q1"]["connections"].update(CLK=[3]),
        lambda cells, ports: cells["ram"]["connections"].update(OCEA=[31]),
        lambda cells, ports: cells["ram"]["connections"].update(RSTA=[32]),
        lambda cells, ports: cells.update(other=register(11, 22)),
        lambda cells, ports: cells.update(logic=cell("LUT4", {}, {"Z"}, A=10, Z=23)),
        lambda cells, ports: ports.update(raw={"direction": "output", "bits": [10]}),
    ],
    ids=["enable", "set", "reset", "clock", "output enable", "output reset", "two registers", "logic", "port"],
)
def test_a_memory_keeps_a_register_outside_that_is_not_its_own(memory, spoil):
    top = memory["modules"]["top"]
    spoil(top["cells"], top["ports"])
    before = copy.deepcopy(memory)
    assert absorb(memory) == 0
    assert memory == before


@pytest.fixture
def wide():
    """A memory that is written 36 bits wide at A and read so at B: the upper half of a word comes out at A."""
    wires = {"CLKA": CLOCK, "OCEA": "0", "RSTA": "0", "CLKB": CLOCK, "OCEB": "1", "RSTB": "0"}
    settings = {"REGMODE_A": "NOREG", "REGMODE_B": "NOREG", "DATA_WIDTH_A": "100100", "DATA_WIDTH_B": "100100"}
    ram = cell("DP16KD", settings, {"DOA0", "DOB0"}, DOA0=10, DOB0=11, **wires)
    return netlist({"ram": ram, "q0": register(10, 20), "q1": register(11, 21)}, 20, 21)


def test_a_wide_memory_takes_the_registers_of_both_halves(wide):
    assert absorb(wide) == 2
    (ram,) = wide["modules"]["top"]["cells"].values()
    assert (ram["parameters"]["REGMODE_A"], ram["parameters"]["REGMODE_B"]) == ("OUTREG", "OUTREG")
    assert [ram["connections"][port] for port in ("DOA0", "DOB0", "OCEA", "OCEB")] == [[20], [21], ["1"], ["1"]]


def test_a_wide_rom_takes_them_too_and_the_clock(wide):
    wires = wide["modules"]["top"]["cells"]["ram"]["connections"]
    clock, wires["CLKA"] = wires["CLKB"], ["0"]
    assert absorb(wide) == 2
    assert (wires["CLKA"], wires["DOA0"], wires["DOB0"]) == (clock, [20], [21])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cells: cells["q0"]["parameters"].update(CEMUX="CE"),
        lambda cells: cells.update(logic=cell("LUT4", {}, {"Z"}, A=11, Z=23)),
        lambda cells: cells["ram"]["connections"].update(CLKA=[3]),
        lambda cells: cells["ram"]["connections"].update(RSTA=[30]),
        lambda cells: cells["ram"]["connections"].update(OCEB=[31]),
    ],
    ids=["one half's register", "logic", "two clocks", "reset", "output enable"],
)
def test_a_wide_memory_takes_both_halves_or_none(wide, spoil):
    spoil(wide["modules"]["top"]["cells"])
    before = copy.deepcopy(wide)
    assert absorb(wide) == 0
    assert wide == before


@pytest.fixture
def multiplier():
    product = cell("MULT18X18D", {}, {"P0"}, A0=10, A1=10, B0=11, B1="0", P0=12)
    cells = {"a": register(1, 10), "b": register(4, 11), "p": register(12, 13), "q": register(13, 14), "m": product}
    return netlist(cells, 14)


ALL = ("INPUTA", "INPUTB", "OUTPUT")


def stages(block):
    """Return which of a multiplier's registers are used."""
    return [name for name in (*ALL, "PIPELINE") if block["parameters"].get(f"REG_{name}_CLK") == "CLK0"]


def test_a_multiplier_takes_its_operands_and_its_product(multiplier):
    cells = multiplier["modules"]["top"]["cells"]
    assert absorb(multiplier) == 3
    wires = cells["m"]["connections"]
    assert (wires["A0"], wires["A1"], wires["B0"], wires["B1"], wires["P0"]) == ([1], [1], [4], ["0"], [13])
    assert (wires["CLK0"], wires["CE0"], wires["RST0"]) == ([CLOCK], ["1"], ["0"])
    assert stages(cells["m"]) == list(ALL)
    assert set(cells) == {"m", "q"}  # the product's second register stands between the block and who reads it


def test_an_operand_read_elsewhere_keeps_its_register(multiplier):
    cells = multiplier["modules"]["top"]["cells"]
    cells["logic"] = cell("LUT4", {}, {"Z"}, A=10, Z=23)
    assert absorb(multiplier) == 2
    assert set(cells) == {"a", "logic", "m", "q"}
    assert stages(cells["m"]) == list(ALL)


@pytest.mark.parametrize(
    ("spoil", "left", "taken"),
    [
        (lambda cells: cells.pop("a"), {"b", "m", "q"}, ["OUTPUT"]),
        (lambda cells: cells["b"]["connections"].update(CLK=[3]), {"a", "b", "m", "q"}, ["OUTPUT"]),
        (lambda cells: cells.pop("p"), {"m", "q"}, ["INPUTA", "INPUTB"]),
        (lambda cells: cells["p"]["parameters"].update(CEMUX="CE"), {"m", "p", "q"}, ["INPUTA", "INPUTB"]),
        (
            lambda cells: cells.update(logic=cell("LUT4", {}, {"Z"}, A=12, Z=23)),
            {"m", "p", "q", "logic"},
            list(ALL[:2]),
        ),
    ],
    ids=[
        "an operand without",
        "an operand's clock",
        "a product without",
        "a product's enable",
        "a product read elsewhere",
    ],
)
def test_a_multiplier_takes_what_is_there(multiplier, spoil, left, taken):
    cells = multiplier["modules"]["top"]["cells"]
    spoil(cells)
    absorb(multiplier)
    assert (set(cells), stages(cells["m"])) == (left, taken)


def test_a_multiplier_without_registers_stays(multiplier):
    cells = multiplier["modules"]["top"]["cells"]
    for name in ("a", "p", "q"):
        del cells[name]
    before = copy.deepcopy(multiplier)
    assert absorb(multiplier) == 0
    assert multiplier == before


@pytest.mark.synth
def test_what_yosys_writes_is_understood(tmp_path):
    (tmp_path / "t.sv").write_text(
        """module t(input clk, input [9:0] a, input signed [15:0] x, y,
                    output reg [17:0] d, output reg signed [31:0] p);
             reg [17:0] mem [0:1023]; reg [17:0] d0; reg signed [15:0] x0, y0; reg signed [31:0] p0;
             initial $readmemh("m.hex", mem);
             always @(posedge clk) begin
               d0 <= mem[a]; d <= d0; x0 <= x; y0 <= y; p0 <= x0 * y0; p <= p0;
             end
           endmodule"""
    )
    (tmp_path / "m.hex").write_text("".join(f"{(i * 2654435761) % 262144:05x}\n" for i in range(1024)))
    before = synthesise(["t.sv"], "t", "synth_ecp5", cwd=tmp_path)
    assert (before["DP16KD"], before["MULT18X18D"], before["TRELLIS_FF"]) == (1, 1, 18 + 32 + 64)
    content = json.loads((tmp_path / "netlist.json").read_text())
    assert absorb(content) == before["TRELLIS_FF"] - 32  # the product's second register
