"""Registers that ECP5's blocks bring along: moves flip-flops beside a block RAM or multiplier into it.

Yosys maps memories and multipliers of ECP5 without their registers and leaves those as flip-flops in the fabric, up to
6 ns behind the block. nextpnr knows both. This works on the netlist that Yosys wrote for nextpnr. What moves has the
block's clock, no enable and no reset, and nobody else reads the bit in front of it; so the logic stays what it was,
cycle by cycle. A register behind a multiplexer of a memory's outputs is moved in front of it first: emcc.tools.behind.
"""

import json
from pathlib import Path
from typing import Any

from emcc.tools import behind
from emcc.tools.netlist import ENABLED, NEVER, Module

STAGES = ("PIPELINE", "OUTPUT")


def absorb(netlist: dict[str, Any]) -> int:
    """Move registers into the blocks of a netlist, in place; return how many flip-flops that saved."""
    saved = 0
    for content in netlist["modules"].values():
        module = Module.of(content)
        before = len(module.cells)
        for name in [name for name, cell in module.cells.items() if cell["type"] == "DP16KD"]:
            behind.moved(module, name)
        for cell in list(module.cells.values()):
            if cell["type"] == "DP16KD":
                if _width(cell, "B") == 36:
                    _wide_memory(module, cell)
                else:
                    for port in "AB":
                        _memory(module, cell, port)
            elif cell["type"] == "MULT18X18D":
                _multiplier(module, cell)
        saved += before - len(module.cells)
    return saved


def absorb_file(path: Path) -> int:
    """Move registers into the blocks of a netlist file, in place; return how many flip-flops that saved."""
    netlist = json.loads(path.read_text(encoding="utf-8"))
    saved = absorb(netlist)
    path.write_text(json.dumps(netlist), encoding="utf-8")
    return saved


def _memory(module: Module, cell: dict[str, Any], port: str) -> None:
    """Move the output register of one port."""
    wires = cell["connections"]
    (clock,) = wires[f"CLK{port}"]
    ready = cell["parameters"].get(f"REGMODE_{port}") == "NOREG" and wires[f"OCE{port}"] == ENABLED
    if not ready or wires[f"RST{port}"] != NEVER or clock == "0":
        return
    _outputs(module, cell, [f"DO{port}{i}" for i in range(18)], clock, {f"REGMODE_{port}": "OUTREG"})


def _width(cell: dict[str, Any], port: str) -> int:
    return int(str(cell["parameters"].get(f"DATA_WIDTH_{port}", "0")), 2)


def _wide_memory(module: Module, cell: dict[str, Any]) -> None:
    """Move the output registers of a memory with one port of 36 bits to write and one to read: both halves or none.

    A ROM has nothing to write, and no clock for it.
    """
    wires, settings = cell["connections"], cell["parameters"]
    ready = all(settings.get(f"REGMODE_{port}") == "NOREG" and wires[f"RST{port}"] == NEVER for port in "AB")
    if not ready or wires["OCEB"] != ENABLED or wires["CLKA"] not in (wires["CLKB"], NEVER):
        return
    outputs = [f"DO{port}{i}" for port in "AB" for i in range(18)]
    if _outputs(module, cell, outputs, wires["CLKB"][0], {f"REGMODE_{port}": "OUTREG" for port in "AB"}):
        wires["OCEA"], wires["CLKA"] = ENABLED, wires["CLKB"]


def _multiplier(module: Module, cell: dict[str, Any]) -> None:
    """Move operands, product, and a second stage of the product: all three or none, as nextpnr's timing knows them."""
    wires = cell["connections"]
    operands = {port: bits[0] for port, bits in wires.items() if port[0] in "AB" and port[1:].isdigit()}
    live = {port: bit for port, bit in operands.items() if isinstance(bit, int)}
    first = {port: module.register_before(bit, None) for port, bit in live.items()}
    products = [f"P{i}" for i in range(36)]
    clocks = {module.cells[name]["connections"]["CLK"][0] for name in first.values() if name}
    if not live or None in first.values() or len(clocks) != 1:
        return
    (clock,) = clocks
    if not _outputs(module, cell, products, clock, {}, stages=2):
        return
    for port, name in first.items():
        assert name is not None
        register, bit = module.cells[name]["connections"], live[port]
        module.readers[bit].remove((_name(module, cell), port))
        wires[port] = register["DI"]
        module.readers[register["DI"][0]].append((_name(module, cell), port))
    for name in {name for name in first.values() if name}:
        if not module.readers[module.cells[name]["connections"]["Q"][0]]:
            module.remove(name)
    _clocked(cell, ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT"), clock)


def _name(module: Module, cell: dict[str, Any]) -> str:
    return next(name for name, other in module.cells.items() if other is cell)


def _clocked(cell: dict[str, Any], stages: tuple[str, ...], clock: Any) -> None:
    for stage in stages:
        cell["parameters"] |= {f"REG_{stage}_CLK": "CLK0", f"REG_{stage}_CE": "CE0", f"REG_{stage}_RST": "RST0"}
    for port, bits in {"CLK0": [clock], "CE0": ENABLED, "RST0": NEVER}.items():
        cell["connections"][port] = bits
        cell["port_directions"][port] = "input"


def _outputs(
    module: Module, cell: dict[str, Any], ports: list[str], clock: Any, settings: dict[str, str], stages: int = 1
) -> bool:
    """Take `stages` registers behind every output that is read into the cell; return False where one is missing."""
    wires = cell["connections"]
    taken: dict[str, list[str]] = {}
    for port in ports:
        if port not in wires or not module.readers[wires[port][0]]:
            continue
        bit, chain = wires[port][0], []
        for _ in range(stages):
            name = module.register_after(bit, clock)
            if name is None:
                return False
            chain.append(name)
            (bit,) = module.cells[name]["connections"]["Q"]
        taken[port] = chain
    for port, chain in taken.items():
        last = module.cells[chain[-1]]["connections"]["Q"]
        for name in chain:
            module.remove(name)
        wires[port] = last
    cell["parameters"] |= settings
    return bool(taken)
