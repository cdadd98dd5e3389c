"""Registers behind a multiplexer of block RAMs' outputs, moved in front of it, where the blocks take them in.

A memory that is narrower than a block, or deeper, has a multiplexer behind its blocks: words lie beside each other in
one, or in several. The register of the read is behind that, and a block gives its word 5 ns later without a register
than with one. What chooses gets a register of its own, so that the logic stays what it was, cycle by cycle.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

from emcc.tools.netlist import Module

RESULT = "Z"
LOGIC = ("LUT4", "PFUMX", "L6MUX21")
"""What a multiplexer is made of; each has one output, RESULT."""


@dataclass
class _Found:
    """Blocks, what their outputs go through, and the registers behind that; nothing else reads any of it."""

    blocks: list[str]
    outputs: set[Any] = field(default_factory=set)
    logic: list[str] = field(default_factory=list)
    registers: list[str] = field(default_factory=list)


def moved(module: Module, block: str) -> bool:
    """Move the registers behind the multiplexers of a DP16KD; return whether there were such that may move.

    They may where they are plain, of one clock, where nobody reads a bit in between, and where what chooses has fewer
    bits than that saves.
    """
    found = _found(module, block)
    if found is None or not found.logic:
        return False
    inside = {module.cells[name]["connections"][RESULT][0] for name in found.logic}
    into = {(name, port): bits[0] for name in found.logic for port, bits in _inputs(module.cells[name]).items()}
    leaves = sorted({bit for bit in into.values() if isinstance(bit, int) and bit not in inside})
    clocks = {module.cells[name]["connections"]["CLK"][0] for name in found.registers}
    chosen_by = [bit for bit in leaves if bit not in found.outputs]
    if len(clocks) != 1 or len(chosen_by) >= len(found.registers):
        return False
    pattern, number = module.cells[found.registers[0]], module.unused()
    for name in found.registers:
        wires = module.cells[name]["connections"]
        (source,), (result,) = wires["DI"], wires["Q"]
        module.remove(name)
        module.rewire(module.drivers[source], RESULT, result)
    for at, leaf in enumerate(leaves, number):
        for (name, port), bit in into.items():
            if bit == leaf:
                module.rewire(name, port, at)
        register = copy.deepcopy(pattern)
        register["connections"] |= {"DI": [leaf], "Q": [at]}
        module.add(f"{block}$behind${at}", register)
    return True


def _found(module: Module, block: str) -> _Found | None:
    """Return what lies between a block and registers; None where anything else reads of it."""
    found = _Found([block])
    waiting = list(_outputs(module, block, found))
    while waiting:
        bit = waiting.pop()
        for name, port in module.readers[bit]:
            if not name:
                return None
            kind = module.cells[name]["type"]
            if kind in LOGIC and name not in found.logic:
                found.logic.append(name)
                waiting += module.cells[name]["connections"][RESULT]
                for other in sorted(_blocks_above(module, name) - set(found.blocks)):
                    found.blocks.append(other)
                    waiting += _outputs(module, other, found)
            elif kind not in LOGIC:
                alone = bit not in found.outputs and len(module.readers[bit]) == 1
                if port != "DI" or not alone or not module.plain(name, None):
                    return None
                found.registers.append(name)
    return found


def _outputs(module: Module, block: str, found: _Found) -> list[Any]:
    """Return the bits of a block that are read, and note them."""
    wires = module.cells[block]["connections"]
    bits = [bits[0] for port, bits in wires.items() if port.startswith("DO") and module.readers[bits[0]]]
    found.outputs.update(bits)
    return bits


def _blocks_above(module: Module, name: str) -> set[str]:
    """Return the blocks that a cell's value depends on through nothing but logic."""
    blocks, seen, waiting = set(), {name}, [name]
    while waiting:
        for bits in _inputs(module.cells[waiting.pop()]).values():
            driver = module.drivers.get(bits[0], "")
            kind = module.cells[driver]["type"] if driver in module.cells else ""
            if kind == "DP16KD":
                blocks.add(driver)
            elif kind in LOGIC and driver not in seen:
                seen.add(driver)
                waiting.append(driver)
    return blocks


def _inputs(cell: dict[str, Any]) -> dict[str, list[Any]]:
    return {port: bits for port, bits in cell["connections"].items() if port != RESULT}
