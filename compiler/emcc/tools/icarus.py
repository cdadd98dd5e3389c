"""Icarus Verilog, where it is installed: a third reader of the RTL."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.tools.process import Finished, run

INCLUDES = ("-Irtl",)
TIMEOUT = 600.0

ACCEPTED = (
    # Icarus's always_* sensitivity is to the whole vector: more than needed, never less.
    "sorry: constant selects in always_* processes are not currently supported (all bits will be included).",
    # The library's assertions, which synthesis leaves out.
    "warning: System task ($error) cannot be synthesized in an always_ff process.",
)
"""Ends of lines that say nothing about the design, each with its reason."""


def installed() -> bool:
    """Return whether there is an iverilog on PATH."""
    return shutil.which("iverilog") is not None


def iverilog(names: Sequence[str], top: str, *, cwd: Path, check: bool = True) -> Finished:
    """Read and elaborate a design with all warnings; no output is written.

    Raises:
        EmccError: Icarus Verilog is not installed.
        ToolError: it rejects the design, and `check` is set.
    """
    if not installed():
        raise EmccError("Icarus Verilog is not installed", hint="apt-get install iverilog")
    command = ["iverilog", "-g2012", "-Wall", *INCLUDES, "-s", top, "-o", os.devnull, *names]
    return run("Icarus Verilog", command, cwd=cwd, timeout=TIMEOUT, check=check)
