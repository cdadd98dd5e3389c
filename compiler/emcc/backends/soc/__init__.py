"""What puts a design into a SoC: AXI, its registers, a FuseSoC core, and a bench that needs nothing of emcc."""

from emcc.backends.soc.registers import values
from emcc.backends.soc.render import LISTING, TOP, render_axi

__all__ = ["LISTING", "TOP", "render_axi", "values"]
