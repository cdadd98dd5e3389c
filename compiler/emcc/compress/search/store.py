"""--work DIR: every step of a search is kept there, and is not done again after an interruption."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emcc.base.errors import EmccError
from emcc.compress.state import State, pack, unpack
from emcc.files import door
from emcc.files.artefact import write_file
from emcc.files.texts import from_json

KEY = "search.json"


class Store:
    """Steps by number. A step is a function of what came before it, so its number names its result.

    Args:
        folder: where; None keeps nothing.
        key: what the whole search depends on. Steps of another key are refused, not mixed.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        self._folder, self._number = folder, 0
        self.resumed = 0
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / KEY
            known = from_json(door.read(path)).get("key") if path.is_file() else None
        except (OSError, ValueError, AttributeError) as error:
            raise EmccError(f"cannot keep checkpoints there: {error}", file=folder) from None
        if known is None:
            if any(folder.iterdir()):
                raise EmccError("the work folder holds something else", file=folder, hint="name a new one with --work")
            write_file(folder / KEY, json.dumps({"key": key}).encode())
        elif known != key:
            hint = "name another folder with --work, or empty this one"
            raise EmccError("the work folder belongs to another model, data or options", file=folder, hint=hint)

    def state(self, make: Callable[[], State]) -> State:
        """What `make` gives, or gave before."""
        return unpack(self._step("npz", lambda: pack(make())))

    def value(self, make: Callable[[], Any]) -> Any:
        """What `make` gives, or gave before, as JSON has it."""
        return json.loads(self._step("json", lambda: json.dumps(make()).encode()))

    def _step(self, kind: str, make: Callable[[], bytes]) -> bytes:
        self._number += 1
        if self._folder is None:
            return make()
        path = self._folder / f"{self._number:05d}.{kind}"
        if path.is_file():
            data = door.read(path)
            if len(data) > 4 and zlib.crc32(data[4:]).to_bytes(4, "little") == data[:4]:
                self.resumed += 1
                return data[4:]
        data = make()
        write_file(path, zlib.crc32(data).to_bytes(4, "little") + data)
        return data
