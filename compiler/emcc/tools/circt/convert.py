"""A module in MLIR as SystemVerilog, by the circt wheel, in a process of its own."""

import json
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.resources import template
from emcc.tools.circt.module import TOP, Module
from emcc.tools.circt.values import Array
from emcc.tools.process import run

TIMEOUT = 3600.0
FLOW = Path(__file__).with_name("flow.py")
MADE, AROUND = f"{TOP}.sv", f"{TOP}_top.sv"


def is_there() -> None:
    """EmccError where the wheel is not installed."""
    if find_spec("circt") is None:
        raise EmccError("circt is not installed", hint="pip install 'emcc-fpga[hls]' (Python 3.8 to 3.11)")


def converted(module: Module, buffers: str = "cycles") -> dict[str, bytes]:
    """Return what CIRCT makes of a module, the memories around it, and files.f.

    Args:
        buffers: where registers are: "cycles", in loops alone, or "all", after every operation.

    Raises:
        EmccError: the wheel is not installed. ToolError: it does not carry the module.
    """
    is_there()
    with tempfile.TemporaryDirectory(prefix="emcc-circt-") as place:
        source, target = Path(place) / f"{TOP}.mlir", Path(place) / MADE
        source.write_text(module.text, encoding="utf-8")
        tables = {table.name: table.values for table in module.tables}
        source.with_name(f"{source.name}.json").write_text(json.dumps(tables), encoding="utf-8")
        run("CIRCT", [sys.executable, FLOW, source, target, buffers], timeout=TIMEOUT)
        made = target.read_bytes()
    around = template("hls/circt_top.sv.j2").render(
        x=_side(module.x, module.text.count("memref.load %x[")),
        y=_side(module.y, module.text.count(", %y[")),
    )
    return {MADE: made, AROUND: around.encode(), "files.f": f"{MADE}\n{AROUND}\n".encode()}


def _side(array: Array, ports: int) -> dict[str, object]:
    size = max(2, array.size)
    return {"kind": array.kind, "size": size, "bits": (size - 1).bit_length(), "ports": ports}
