"""Whether an artefact's RTL is what emcc makes of its program: what is simulated is a program that runs here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emcc.backends import rom, verilog
from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.eie.groups.plan import Plan
from emcc.eie.groups.tables import Context
from emcc.eie.store import load_program
from emcc.files import door
from emcc.files.artefact import changed, read_manifest
from emcc.ir.program import Program

PROGRAM = "program.npz"
SHOWN = 10
HINT = (
    "compile the model again; or say --trust-rtl, if you trust who gave you the folder as much as a program of theirs"
)


def genuine(folder: Path, program: Program, plan: Plan) -> dict[str, bytes]:
    """Return rtl/ as emcc makes it of the program, which is what the folder has too.

    Raises:
        EmccError: the folder's is another, or a file of program, rtl/ or rom/ is not as emcc.json has it.
    """
    manifest = read_manifest(folder)
    wrong = changed(folder, {"files": {name: facts for name, facts in manifest["files"].items() if _runs(name)}})
    if wrong:
        raise _refusal("files changed since it was compiled, or are missing", folder, wrong)
    made = rendered(program, plan, manifest)
    wrong = [name for name in sorted(made) if _content(folder, name) != made[name]]
    if wrong:
        raise _refusal("its RTL is not what this emcc makes of its program", folder, wrong)
    return made


def of_folder(folder: Path) -> dict[str, bytes]:
    """Return the same, of the program that the folder has. EmccError as above."""
    from emcc.eie.groups.schedule import plan

    program = load_program(folder / PROGRAM)
    return genuine(folder, program, plan(program))


def rendered(program: Program, plan: Plan, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Return rtl/ as emcc makes it; whether weights are streamed the manifest says."""
    context = Context(program, plan)
    streamed = "boot_structure" in manifest["design"] if "design" in manifest else False
    boot = rom.BootLayout.of(context.numbers, rom.core_images(program, plan)) if streamed else None
    return dict(verilog.render_rtl(context, boot))


def _runs(name: str) -> bool:
    return name == PROGRAM or name.startswith(("rtl/", "rom/"))


def _content(folder: Path, name: str) -> bytes | None:
    try:
        return door.read_inside(folder, name)
    except OSError:
        return None


def _refusal(message: str, folder: Path, names: list[str]) -> EmccError:
    more = [f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return EmccError(message, file=folder, details=[*(printable(name) for name in names[:SHOWN]), *more], hint=HINT)
