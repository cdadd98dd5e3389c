"""Runs a flat netlist of ECP5's cells, clock by clock; block RAMs hold noise of their own, by name, address and bit."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emcc.tools.netlist import Module

Bits = Mapping[Any, int]


def run(content: Mapping[str, Any], inputs: Sequence[Bits], outputs: Sequence[Any]) -> Iterator[tuple[int, ...]]:
    """Yield the outputs of a module before each clock edge, given its inputs then. Registers and words begin at 0."""
    module = Module.of(dict(content))
    held = dict.fromkeys(_held(module), 0)
    for given in inputs:
        now = {"0": 0, "1": 1, "x": 0, **held, **given}

        def value(bit: Any, now: dict[Any, int] = now) -> int:
            if bit not in now:
                now[bit] = _logic(module.cells[module.drivers[bit]], value)
            return now[bit]

        yield tuple(value(bit) for bit in outputs)
        held = {bit: value(source) if isinstance(source, int) else source(value) for bit, source in _next(module, held)}


def _held(module: Module) -> Iterator[Any]:
    for name, cell in module.cells.items():
        if cell["type"] == "TRELLIS_FF":
            yield cell["connections"]["Q"][0]
        elif cell["type"] == "DP16KD":
            for port, (bit,) in _outputs(cell):
                yield bit
                yield name, port


def _next(module: Module, held: Bits) -> Iterator[tuple[Any, Any]]:
    """Yield what each bit that is held becomes: another bit's value, or a function of how to ask for values."""
    for name, cell in module.cells.items():
        wires = cell["connections"]
        if cell["type"] == "TRELLIS_FF":
            yield wires["Q"][0], wires["DI"][0]
        elif cell["type"] == "DP16KD":
            for port, (bit,) in _outputs(cell):
                side = "B" if int(str(cell["parameters"]["DATA_WIDTH_A"]), 2) == 36 else port[2]
                address = [wires[pin][0] for pin in sorted(wires) if pin.startswith(f"AD{side}")]

                def word(value: Any, name: str = name, port: str = port, address: Any = address) -> int:
                    where = (name, port, *(value(bit) for bit in address))
                    return hashlib.sha256(repr(where).encode()).digest()[0] & 1

                registered = cell["parameters"][f"REGMODE_{port[2]}"] == "OUTREG"
                yield (name, port), word
                yield bit, (lambda value, old=held[name, port]: old) if registered else word


def _outputs(cell: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    return ((port, bits) for port, bits in cell["connections"].items() if port.startswith("DO"))


def _logic(cell: Mapping[str, Any], value: Any) -> int:
    wires = {port: bits[0] for port, bits in cell["connections"].items()}
    if cell["type"] == "LUT4":
        at = sum(value(wires[port]) << i for i, port in enumerate("ABCD"))
        return int(str(cell["parameters"]["INIT"])[::-1][at])
    if cell["type"] == "PFUMX":
        return int(value(wires["ALUT"] if value(wires["C0"]) else wires["BLUT"]))
    assert cell["type"] == "L6MUX21", cell["type"]
    return int(value(wires["D1"] if value(wires["SD"]) else wires["D0"]))
