"""The files that put a design into a SoC: the AXI top and what it is made of, and the header for its software."""

from collections.abc import Mapping

from emcc.backends.soc.registers import IRQ, REGISTERS, Bits, Values, camel
from emcc.backends.verilog.library import NEXT_INPUT, library
from emcc.resources import template

LIBRARY = (
    "emcc_skid",
    "emcc_axis_unpack",
    "emcc_axis_pack",
    "emcc_count",
    "emcc_axi_run",
    "emcc_axil",
    "emcc_regs",
    "emcc_axi_top",
)
"""In dependency order; what they stand on is in rtl/files.f."""

TOP, LISTING, HEADER = "emcc_axi_top", "rtl/axi.f", "host/emcc_regs.h"


def render_axi(held: Values, next_input: bool = False) -> Mapping[str, bytes]:
    """Return file names and contents. `held` is what the constant registers hold; `next_input`: see ir.Program."""
    facts = {"registers": REGISTERS, "values": held, "irq": IRQ, "camel": camel, "mask": mask}
    files = library(LIBRARY, [NEXT_INPUT] if next_input else [])
    files["rtl/emcc_regs_pkg.sv"] = _rendered("soc/emcc_regs_pkg.sv.j2", **facts)
    files[LISTING] = "".join(f"rtl/{name}.sv\n" for name in ("emcc_regs_pkg", *LIBRARY)).encode()
    files[HEADER] = _rendered("soc/emcc_regs.h.j2", **facts)
    return files


def mask(bits: Bits) -> int:
    """Return a field's bits as they stand in its register."""
    return ((1 << bits.width) - 1) << bits.at


def _rendered(name: str, **facts: object) -> bytes:
    text: str = template(name).render(**facts)
    return text.encode()
