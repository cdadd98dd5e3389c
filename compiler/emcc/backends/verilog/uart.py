"""The files of rtl/ that put a design behind a serial line: the link's package, its modules, uart.f."""

from collections.abc import Mapping

from emcc.backends.verilog.library import library
from emcc.link.render import package
from emcc.resources import template

UART = ("emcc_uart_rx", "emcc_uart_tx", "emcc_link")
"""In dependency order, before TOP."""

TOP = "emcc_uart_top"
FILES = "rtl/uart.f"
"""Lists all that TOP is made of, in order."""


def render_uart(core: Mapping[str, bytes], boot: bool = False, next_input: bool = False) -> Mapping[str, bytes]:
    """Return file names ("rtl/...") and contents beside those of `core`, which render_core gave.

    With `boot` the weights of `core` come from a boot image, which comes over the line then. With `next_input` `core`
    would take an input while one runs, which the link does not ask of it.
    """
    added = {name: content for name, content in library(UART).items() if name not in core}
    added["rtl/emcc_link_pkg.sv"] = package(boot)
    top: str = template("verilog/emcc_uart_top.sv.j2").render(boot=boot, next_input=next_input)
    added[f"rtl/{TOP}.sv"] = top.encode()
    listed = "".join(f"rtl/{name}.sv\n" for name in ("emcc_link_pkg", *UART, TOP))
    return {**added, FILES: core["rtl/files.f"] + listed.encode()}
