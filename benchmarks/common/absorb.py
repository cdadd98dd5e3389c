"""Registers that ECP5's blocks bring along: moves flip-flops beside a block RAM or multiplier into it.

Yosys maps memories and multipliers of ECP5 without their registers and leaves those as flip-flops in the fabric, up to
6 ns behind the block. nextpnr knows both. This works on the netlist that Yosys wrote for nextpnr. What moves has the
block's clock, no enable and no reset, and nobody else reads the bit in front of it; so the logic stays what it was,
cycle by cycle.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENABLED, NEVER = ["1"], ["0"]
STAGES = ("PIPELINE", "OUTPUT")


@dataclass
class _Module:
    """A module of the netlist, with who reads and who drives each bit."""

    cells: dict[str, Any]
    readers: dict[Any, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    drivers: dict[Any, str] = field(default_factory=dict)

    @classmethod
    def of(cls, module: dict[str, Any]) -> "_Module":
        """Return the module of a netlist, with its bits' readers and drivers."""
        graph = cls(module["cells"])
        for name, cell in graph.cells.items():
            for port, bits in cell["connections"].items():
                for bit in bits:
                    if cell["port_directions"][port] == "output":
                        graph.drivers[bit] = name
                    else:
                        graph.readers[bit].append((name, port))
        for port in module["ports"].values():
            for bit in port["bits"] if port["direction"] != "input" else ():
                graph.readers[bit].append(("", ""))
        return graph

    def register_after(self, bit: Any, clock: Any) -> str | None:
        """Return the plain flip-flop that alone reads `bit`, or None."""
        readers = self.readers[bit]
        if len(readers) == 1 and readers[0][1] == "DI" and self._plain(readers[0][0], clock):
            return readers[0][0]
        return None

    def register_before(self, bit: Any, clock: Any) -> str | None:
        """Return the plain flip-flop that drives `bit`, or None; one that a memory has taken in is none."""
        name = self.drivers.get(bit, "")
        return name if name in self.cells and self._plain(name, clock) else None

    def _plain(self, name: str, clock: Any) -> bool:
        """Return whether a cell is a flip-flop of that clock (of any where it is None) without enable and reset."""
        cell = self.cells[name]
        if cell["type"] != "TRELLIS_FF":
            return False
        wires, settings = cell["connections"], {key: str(value).strip() for key, value in cell["parameters"].items()}
        return (
            settings.get("CLKMUX") == "CLK"
            and settings.get("CEMUX") == "1"
            and settings.get("REGSET") == "RESET"
            and wires.get("LSR", NEVER) == NEVER
            and (clock is None or wires["CLK"] == [clock])
        )

    def remove(self, name: str) -> None:
        """Remove a cell, and its ports from the readers."""
        for port, bits in self.cells.pop(name)["connections"].items():
            for bit in bits:
                self.readers[bit] = [reader for reader in self.readers[bit] if reader != (name, port)]


def absorb(netlist: dict[str, Any]) -> int:
    """Move registers into the blocks of a netlist, in place; return how many flip-flops that saved."""
    saved = 0
    for content in netlist["modules"].values():
        module = _Module.of(content)
        before = len(module.cells)
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


def _memory(module: _Module, cell: dict[str, Any], port: str) -> None:
    """Move the output register of one port."""
    wires = cell["connections"]
    (clock,) = wires[f"CLK{port}"]
    ready = cell["parameters"].get(f"REGMODE_{port}") == "NOREG" and wires[f"OCE{port}"] == ENABLED
    if not ready or wires[f"RST{port}"] != NEVER or clock == "0":
        return
    _outputs(module, cell, [f"DO{port}{i}" for i in range(18)], clock, {f"REGMODE_{port}": "OUTREG"})


def _width(cell: dict[str, Any], port: str) -> int:
    return int(str(cell["parameters"].get(f"DATA_WIDTH_{port}", "0")), 2)


def _wide_memory(module: _Module, cell: dict[str, Any]) -> None:
    """Move the output registers of a memory with one port of 36 bits to write and one to read: both halves or none."""
    wires, settings = cell["connections"], cell["parameters"]
    ready = all(settings.get(f"REGMODE_{port}") == "NOREG" and wires[f"RST{port}"] == NEVER for port in "AB")
    if not ready or wires["OCEB"] != ENABLED or wires["CLKA"] != wires["CLKB"]:
        return
    outputs = [f"DO{port}{i}" for port in "AB" for i in range(18)]
    if _outputs(module, cell, outputs, wires["CLKB"][0], {f"REGMODE_{port}": "OUTREG" for port in "AB"}):
        wires["OCEA"] = ENABLED


def _multiplier(module: _Module, cell: dict[str, Any]) -> None:
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


def _name(module: _Module, cell: dict[str, Any]) -> str:
    return next(name for name, other in module.cells.items() if other is cell)


def _clocked(cell: dict[str, Any], stages: tuple[str, ...], clock: Any) -> None:
    for stage in stages:
        cell["parameters"] |= {f"REG_{stage}_CLK": "CLK0", f"REG_{stage}_CE": "CE0", f"REG_{stage}_RST": "RST0"}
    for port, bits in {"CLK0": [clock], "CE0": ENABLED, "RST0": NEVER}.items():
        cell["connections"][port] = bits
        cell["port_directions"][port] = "input"


def _outputs(
    module: _Module, cell: dict[str, Any], ports: list[str], clock: Any, settings: dict[str, str], stages: int = 1
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
