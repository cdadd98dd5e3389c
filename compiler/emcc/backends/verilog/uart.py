"""The files of rtl/ that put a design behind a serial line: the link's package, its modules, uart.f."""

from collections.abc import Mapping

from emcc.backends.verilog.library import library
from emcc.link.render import package

UART = ("emcc_uart_rx", "emcc_uart_tx", "emcc_link", "emcc_uart_top")
"""In dependency order."""

TOP = "emcc_uart_top"
FILES = "rtl/uart.f"
"""Lists all that TOP is made of, in order."""


def render_uart(core: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return file names ("rtl/...") and contents beside those of `core`, which render_core gave."""
    added = {name: content for name, content in library(UART).items() if name not in core}
    added["rtl/emcc_link_pkg.sv"] = package()
    listed = "".join(f"rtl/{name}.sv\n" for name in ("emcc_link_pkg", *UART))
    return {**added, FILES: core["rtl/files.f"] + listed.encode()}
