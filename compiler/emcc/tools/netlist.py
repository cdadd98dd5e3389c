"""A module of a netlist as Yosys writes it: who reads and who drives each bit."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

ENABLED, NEVER = ["1"], ["0"]


@dataclass
class Module:
    """A module of the netlist, with who reads and who drives each bit."""

    cells: dict[str, Any]
    readers: dict[Any, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    drivers: dict[Any, str] = field(default_factory=dict)

    @classmethod
    def of(cls, module: dict[str, Any]) -> "Module":
        """Return the module of a netlist, with its bits' readers and drivers."""
        graph = cls(module["cells"])
        for name, cell in list(graph.cells.items()):
            graph.add(name, cell)
        for port in module["ports"].values():
            for bit in port["bits"] if port["direction"] != "input" else ():
                graph.readers[bit].append(("", ""))
        return graph

    def register_after(self, bit: Any, clock: Any) -> str | None:
        """Return the plain flip-flop that alone reads `bit`, or None."""
        readers = self.readers[bit]
        if len(readers) == 1 and readers[0][1] == "DI" and self.plain(readers[0][0], clock):
            return readers[0][0]
        return None

    def register_before(self, bit: Any, clock: Any) -> str | None:
        """Return the plain flip-flop that drives `bit`, or None; one that a memory has taken in is none."""
        name = self.drivers.get(bit, "")
        return name if name in self.cells and self.plain(name, clock) else None

    def plain(self, name: str, clock: Any) -> bool:
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

    def add(self, name: str, cell: dict[str, Any]) -> None:
        """Add a cell, and its ports to readers and drivers."""
        self.cells[name] = cell
        for port, bits in cell["connections"].items():
            for bit in bits:
                if cell["port_directions"][port] == "output":
                    self.drivers[bit] = name
                else:
                    self.readers[bit].append((name, port))

    def rewire(self, name: str, port: str, bit: Any) -> None:
        """Let a port of one bit read, or drive, another."""
        cell = self.cells[name]
        (before,) = cell["connections"][port]
        cell["connections"][port] = [bit]
        if cell["port_directions"][port] == "output":
            del self.drivers[before]
            self.drivers[bit] = name
        else:
            self.readers[before].remove((name, port))
            self.readers[bit].append((name, port))

    def unused(self) -> int:
        """Return the number of a net that is not there."""
        return 1 + max((bit for bit in (*self.readers, *self.drivers) if isinstance(bit, int)), default=1)
