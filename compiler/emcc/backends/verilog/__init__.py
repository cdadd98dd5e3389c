"""Verilog: the library as it stands, and a top that instantiates it for one Program."""

from emcc.backends.verilog.core import render_core, render_of
from emcc.backends.verilog.rtl import render_rtl
from emcc.backends.verilog.uart import render_uart

__all__ = ["render_core", "render_of", "render_rtl", "render_uart"]
