"""The Verilog of an artefact on disk."""

from pathlib import Path

from emcc.base.errors import EmccError
from emcc.files import door
from emcc.tools import verilator


def read_rtl(folder: Path) -> dict[str, bytes]:
    """Return the files of an artefact's rtl/, by their names in the artefact. Raise EmccError where one is missing."""
    try:
        names = sorted(file.name for file in (folder / "rtl").iterdir() if file.is_file())
        files = {f"rtl/{name}": door.read_inside(folder, f"rtl/{name}") for name in names}
    except OSError as error:
        hint = "is this an artefact of `emcc compile`?"
        raise EmccError(f"cannot be read: {error.strerror}", file=error.filename, hint=hint) from None
    verilator.design_files(files)
    return files
