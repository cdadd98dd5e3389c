"""Program -> the files of rtl/: the array's package, its top, the library."""

from collections.abc import Mapping, Sequence

from emcc.backends.rom import BootLayout
from emcc.backends.verilog.boot import boot_numbers
from emcc.backends.verilog.library import HOST_WAIT, NEXT_INPUT, SPLIT, library
from emcc.eie.groups.plan import Plan
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context, Field, places, width
from emcc.ir.program import Program
from emcc.resources import folder, template

LIBRARY = (
    "emcc_rom",
    "emcc_ram",
    "emcc_fifo",
    "emcc_host",
    "emcc_walk",
    "emcc_scan",
    "emcc_act_queue",
    "emcc_slice_read",
    "emcc_acc",
    "emcc_slice",
    "emcc_rows",
    "emcc_requant",
    "emcc_sum",
    "emcc_core",
)
"""In dependency order; files.f lists them so."""

WAIVERS = "rtl/emcc.vlt"
"""What `python -m emcc.lint` does not mind, for Verilator."""

TABLE_DOCS = {
    "walk": "A pass, as it is walked: rom/walk.hex",
    "tap": "A tap: rom/taps.hex",
    "drain": "A pass, as it is drained: rom/drain.hex",
    "host": "What the host does: rom/host.hex",
}


BOOT_LIBRARY = ("emcc_huffman", "emcc_boot", "emcc_boot_ram")
"""What is there too where weights come as a stream."""


def render_core(program: Program, made: Plan | None = None) -> Mapping[str, bytes]:
    """Return file names ("rtl/...") and contents; memory images are separate (backends.rom.core_images)."""
    return render_of(Context(program, made or plan(program)))


def render_of(context: Context, boot: BootLayout | None = None) -> Mapping[str, bytes]:
    """Return the same of a context, for its numbers: what they say is all that a design depends on.

    With `boot` memories of weights are filled by a boot image.
    """
    names = (*LIBRARY, *(BOOT_LIBRARY if boot else ()))
    sides = {
        NEXT_INPUT: context.program.next_input,
        HOST_WAIT: bool(context.plan.host_wait),
        SPLIT: context.plan.splits,
    }
    files = library(names, [macro for macro, there in sides.items() if there])
    files[WAIVERS] = (folder("rtl") / "emcc.vlt").read_bytes()
    files |= generated(context, boot)
    files["rtl/files.f"] = "".join(f"rtl/{name}.sv\n" for name in ("emcc_cfg_pkg", *names, "emcc_top")).encode()
    return files


def generated(context: Context, boot: BootLayout | None = None) -> dict[str, bytes]:
    """Return the two files that depend on the Program."""
    package: str = template("verilog/emcc_cfg_pkg.sv.j2").render(
        numbers=[_declared(name, value) for name, value in context.numbers.items()],
        tables=[
            (name.capitalize(), TABLE_DOCS[name], width(context, fields), _places(context, fields))
            for name, fields in context.tables.items()
        ],
    )
    top: str = template("verilog/emcc_core_top.sv.j2").render(
        pes=[f"{pe:03}" for pe in range(context.program.pes)],
        lanes=[f"{lane:03}" for lane in range(context.plan.lanes)],
        scales=bool(context.numbers["HasScale"]),
        boot=boot_numbers(boot, context.numbers) if boot else None,
    )
    return {"rtl/emcc_cfg_pkg.sv": package.encode(), "rtl/emcc_top.sv": top.encode()}


def _declared(name: str, value: int) -> tuple[str, str]:
    """Return a number's type and name, and its literal."""
    if name.startswith("Has"):
        return f"bit {name}", f"1'b{value}"
    if name in ("CodeWidths", "IdentWidths"):
        return f"bit [4:0] {name}", f"5'b{value:05b}"
    return f"int {name}", str(value)


def _places(context: Context, fields: Sequence[Field]) -> list[tuple[str, int, int]]:
    """Return each field's name as it is in the package, its lowest bit, its bits."""
    return [(_camel(field.name), at, context.bits(field)) for field, at in places(context, fields)]


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
