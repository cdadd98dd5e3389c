"""Compile as told, or take what the same command made of one of Verilator's own files before: OBJCACHE of its makefile.

Files of a design are compiled in any case. It goes by the command, the compiler's version, the file's contents and
Verilator's version, to which the headers belong. Nothing of emcc is imported: make has put that out of reach.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def main(command: list[str]) -> int:
    """Return the compiler's exit code, or 0 where nothing is to be compiled."""
    source = Path(command[-1])
    if source.parent.name != "include" or not source.name.startswith("verilated") or "-o" not in command:
        return subprocess.run(command).returncode
    target = Path(command[command.index("-o") + 1])
    version = subprocess.run([command[0], "--version"], capture_output=True).stdout
    contents = [path.read_bytes() for path in (source, source.with_name("verilated_config.h"))]
    parts = [repr(command).encode(), str(source.resolve()).encode(), version, *contents]
    place = Path(os.environ["EMCC_CACHE"]) / "objects" / hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]
    if not place.is_file():
        code = subprocess.run(command).returncode
        if code:
            return code
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
            file.write(target.read_bytes())
        os.replace(file.name, place)
    shutil.copyfile(place, target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
