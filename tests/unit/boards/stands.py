"""Stand-ins for Yosys, nextpnr and the packers, for tests of what is made of their answers."""

import json
from pathlib import Path
from typing import Any

from emcc.tools import yosys
from emcc.tools.nextpnr import Routed
from emcc.tools.process import Finished, ToolError

BOARD = "icebreaker"


class Tools:
    """Stands for the tools: each seed's clock, and which tool fails."""

    def __init__(self) -> None:
        self.clocks: dict[int, float] = {}
        self.fails: dict[str, str] = {}
        self.packed = b"bits"

    def synthesise(self, names: Any, top: str, command: str, *, cwd: Path, netlist: str, log: str, **_: Any) -> Any:
        assert all((cwd / name).is_file() for name in names)
        (cwd / netlist).write_text("{}")
        (cwd / log).write_text("synthesised")
        self._fail("Yosys")
        return {"SB_DFF": 7, "SB_LUT4": 9}

    def place_and_route(self, netlist: str, part: Any, *, cwd: Path, seed: int, freq: float, arguments: Any) -> Routed:
        assert (cwd / netlist).is_file()
        assert (cwd / arguments[1]).is_file()
        self._fail(f"nextpnr{seed}")
        self._fail("nextpnr")
        used = {"ICESTORM_LC": 10 + seed, "ICESTORM_RAM": 2, "ICESTORM_DSP": 1}
        clock = {"clk": self.clocks.get(seed, 30.0)}
        return Routed(clock, used, dict.fromkeys(used, 30), log=f"placed with {seed}")

    def pack(self, name: str, arguments: Any, routed: str, bitstream: str, *, cwd: Path) -> Finished:
        self._fail(name)
        (cwd / bitstream).write_bytes(self.packed + cwd.name.encode())
        return Finished(0, "packed")

    def _fail(self, tool: str) -> None:
        if tool in self.fails:
            raise ToolError(tool.rstrip("0123456789"), 1, self.fails[tool])


def facts(artefact: Path) -> dict[str, Any]:
    """What bitstream.json says."""
    return dict(json.loads((artefact / "boards" / BOARD / "bitstream.json").read_text("utf-8")))


class Once:
    """Yosys itself, asked once for the same words over the same files: these are all that it sees."""

    def __init__(self) -> None:
        self._real, self._kept = yosys.synthesise, dict[str, tuple[dict[str, int], dict[str, bytes]]]()

    def synthesise(self, *words: Any, cwd: Path, **more: Any) -> dict[str, int]:
        """As emcc.tools.yosys.synthesise."""
        files = {str(path.relative_to(cwd)): path.read_bytes() for path in sorted(cwd.rglob("*")) if path.is_file()}
        asked = repr((words, sorted(more.items()), files))
        if asked not in self._kept:
            cells = self._real(*words, cwd=cwd, **more)
            self._kept[asked] = cells, {path.name: path.read_bytes() for path in cwd.iterdir() if path.is_file()}
        cells, written = self._kept[asked]
        for name, content in written.items():
            (cwd / name).write_bytes(content)
        return dict(cells)
