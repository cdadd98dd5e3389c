"""Compile as told, or take what the same command made of the same text before: OBJCACHE of Verilator's makefile.

The text is what the preprocessor makes of a file, headers and all. It goes by the command and the compiler's version as
well, and not by the folder of the design, which is another one in every run: a model names it in the messages of its
assertions, and nowhere else. Nothing of emcc is imported: make has put that out of reach.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SAYS = re.compile(rb'(VL_(?:STOP|FATAL)_MT\(")[^"]*/')
"""The folder in the message of an assertion."""


def main(command: list[str]) -> int:
    """Return the compiler's exit code, or 0 where nothing is to be compiled."""
    if "-c" not in command or "-o" not in command:
        return subprocess.run(command).returncode
    target = Path(command[command.index("-o") + 1])
    version = subprocess.run([command[0], "--version"], capture_output=True).stdout
    at = command.index("-o")
    words = [word for word in command[:at] + command[at + 2 :] if word not in ("-c", "-MMD", "-MP")]
    text = subprocess.run([*words, "-E", "-P"], capture_output=True)
    if text.returncode:
        return subprocess.run(command).returncode
    parts = [repr(command).encode(), version, SAYS.sub(rb"\1", text.stdout)]
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
