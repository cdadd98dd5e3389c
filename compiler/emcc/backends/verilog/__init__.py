"""Verilog: the library as it stands, and a top that instantiates it for one Program."""

from emcc.backends.verilog.core import render_core, render_of

__all__ = ["render_core", "render_of"]
