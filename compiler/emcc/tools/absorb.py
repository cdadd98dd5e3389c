"""Registers that ECP5's blocks bring along: moves flip-flops beside a block RAM or multiplier into it.

Yosys maps memories and multipliers of ECP5 without their registers and leaves those as flip-flops in the fabric, up to
6 ns behind the block. nextpnr knows both. This works on the netlist that Yosys wrote for nextpnr. What moves has the
block's clock, no enable and no reset, and nobody else reads the bit in front of it; so the logic stays what it was,
cycle by cycle. A register behind a multiplexer of a memory's outputs is moved in front of it first: emcc.tools.behind.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from emcc.tools import behind
from emcc.tools.netlist import ENABLED, NEVER, Module

PRODUCT = tuple(f"P{i}" for i in range(36))


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
    """Move a register of the product, and the operands' if all of them have one.

    A second register behind the product stays in the fabric, between the block and what may be far from it. Without the
    one in the middle, a product takes 3.9 ns from the operands to the output (nextpnr 0.11, LFE5U of speed 6).
    """
    wires = cell["connections"]
    live = {port: bits[0] for port, bits in wires.items() if port[0] in "AB" and isinstance(bits[0], int)}
    before = {port: module.register_before(bit, None) for port, bit in live.items()}
    clock = _clock(module, cell, before.values())
    if clock is None:
        return
    stages = ["OUTPUT"] if _outputs(module, cell, PRODUCT, clock, {}) else []
    registers = {port: name for port, name in before.items() if name and module.plain(name, clock)}
    if before and registers.keys() == before.keys():
        _operands(module, cell, registers)
        stages += ["INPUTA", "INPUTB"]
    _clocked(cell, stages, clock)


def _operands(module: Module, cell: dict[str, Any], registers: Mapping[str, str]) -> None:
    """Let a multiplier read what its operands' registers do, and remove those that nobody else reads."""
    block = next(name for name, other in module.cells.items() if other is cell)
    for port, name in registers.items():
        module.rewire(block, port, module.cells[name]["connections"]["DI"][0])
    for name in sorted(set(registers.values())):
        if not module.readers[module.cells[name]["connections"]["Q"][0]]:
            module.remove(name)


def _clock(module: Module, cell: dict[str, Any], operands: Iterable[str | None]) -> Any:
    """Return the clock of a multiplier's registers: behind the product, or of the operands; None without any."""
    wires = cell["connections"]
    behind = [module.register_after(wires[port][0], None) for port in PRODUCT if port in wires]
    names = [name for name in (*behind, *operands) if name]
    return module.cells[names[0]]["connections"]["CLK"][0] if names else None


def _clocked(cell: dict[str, Any], stages: Sequence[str], clock: Any) -> None:
    for stage in stages:
        cell["parameters"] |= {f"REG_{stage}_CLK": "CLK0", f"REG_{stage}_CE": "CE0", f"REG_{stage}_RST": "RST0"}
    for port, bits in {"CLK0": [clock], "CE0": ENABLED, "RST0": NEVER}.items() if stages else ():
        cell["connections"][port] = bits
        cell["port_directions"][port] = "input"


def _outputs(module: Module, cell: dict[str, Any], ports: Sequence[str], clock: Any, settings: dict[str, str]) -> bool:
    """Take the register behind every output that is read into the cell; return False where one is missing."""
    wires = cell["connections"]
    taken: dict[str, str] = {}
    for port in ports:
        if port not in wires or not module.readers[wires[port][0]]:
            continue
        name = module.register_after(wires[port][0], clock)
        if name is None:
            return False
        taken[port] = name
    for port, name in taken.items():
        wires[port] = module.cells[name]["connections"]["Q"]
        module.remove(name)
    cell["parameters"] |= settings
    return bool(taken)
