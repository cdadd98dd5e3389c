"""Program -> the files of rtl/: validate, build a small context, render."""

from collections.abc import Mapping

from emcc.backends.verilog.context import parameters
from emcc.backends.verilog.library import library
from emcc.eie import descriptor
from emcc.eie.layout import Layout
from emcc.eie.memory import table
from emcc.ir.program import Program
from emcc.resources import template

# In dependency order; files.f lists them so.
LIBRARY = (
    "emcc_rom",
    "emcc_ram",
    "emcc_fifo",
    "emcc_lnzd",
    "emcc_bcast",
    "emcc_ptr_read",
    "emcc_act_queue",
    "emcc_spmat_read",
    "emcc_arith",
    "emcc_drain",
    "emcc_pe",
    "emcc_ccu",
    "emcc_array",
)


def render(program: Program) -> Mapping[str, bytes]:
    """Return file names ("rtl/...") and contents. ROM images are separate (backends.rom)."""
    layout = Layout(program)
    memory = table(layout)
    top: str = template("verilog/emcc_top.sv.j2").render(
        parameters=parameters(layout),
        pes=[f"{pe:03}" for pe in range(program.pes)],
        layout=layout,
        memory=memory,
        word_msb=memory["activations"].width - 1,
    )
    package: str = template("verilog/emcc_desc_pkg.sv.j2").render(
        places=[(_camel(place.field.name), place) for place in descriptor.places(layout)],
        width=descriptor.width(layout),
    )
    files = library(LIBRARY)
    files["rtl/emcc_top.sv"] = top.encode()
    files["rtl/emcc_desc_pkg.sv"] = package.encode()
    files["rtl/files.f"] = "".join(f"rtl/{name}.sv\n" for name in ("emcc_desc_pkg", *LIBRARY, "emcc_top")).encode()
    return files


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
