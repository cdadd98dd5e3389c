"""All of rtl/ that depends on a Program: the core and, where its weights are not streamed, the serial line's top."""

from collections.abc import Mapping

from emcc.backends.rom import BootLayout
from emcc.backends.verilog.core import render_of
from emcc.backends.verilog.uart import render_uart
from emcc.eie.groups.tables import Context


def render_rtl(context: Context, boot: BootLayout | None = None) -> Mapping[str, bytes]:
    """Return file names ("rtl/...") and contents. `boot`: as `render_of` has it."""
    core = render_of(context, boot)
    return {**core, **render_uart(core, boot is not None, context.program.next_input)}
