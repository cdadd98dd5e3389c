"""bitstream.json: what says of a folder that emcc wrote it, and what is in it."""

from pathlib import Path
from typing import Any

from emcc.base.errors import EmccError
from emcc.files import door
from emcc.files.texts import from_json

MARKER = "bitstream.json"
_LARGEST = 1 << 24


def read_marker(place: Path, command: str) -> dict[str, Any]:
    """Return what is in a bitstream's folder. EmccError where there is none; `command` makes one."""
    path = place / MARKER
    folder = place.parent.parent
    try:
        facts = from_json(door.read_inside(folder, path.relative_to(folder).as_posix(), _LARGEST))
        if not isinstance(facts, dict):
            raise ValueError
    except FileNotFoundError:
        raise EmccError("there is no bitstream", file=place, hint=f"run `{command}`") from None
    except (OSError, ValueError):
        raise EmccError("cannot be read", file=path, hint=f"run `{command}` again") from None
    return facts
