"""The C compiler: which one, and a program from sources, kept by what it is made of."""

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.tools.cache import digest, entry
from emcc.tools.process import run

TIMEOUT = 1800.0
PROGRAM = "program"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")


@lru_cache(maxsize=8)
def _found(chosen: str) -> tuple[str, ...]:
    """Return $CC as words, or the first compiler on PATH."""
    for words in [shlex.split(chosen)] if chosen else [["cc"], ["gcc"], ["clang"]]:
        path = shutil.which(words[0]) if words else None
        if path:
            return (path, *words[1:])
    cause = f"CC is {chosen!r}, and there is no such program" if chosen else "no C compiler on PATH"
    raise EmccError(cause, hint="this engine compiles C: install gcc or clang, or set CC")


def compiler() -> tuple[str, ...]:
    """Return the C compiler's command. Raise EmccError where there is none."""
    return _found(os.environ.get("CC", ""))


@lru_cache(maxsize=8)
def _version(command: tuple[str, ...]) -> str:
    return run("C compiler", [*command, "--version"], timeout=60).output


def built(files: Mapping[str, bytes], sources: Sequence[str], flags: Sequence[str] = ("-O2",)) -> Path:
    """Return the program of some sources among `files`, from the cache where it is there.

    Raises:
        EmccError: there is no C compiler.
        ToolError: the sources do not compile.
    """
    command = compiler()
    words = [*command, *STRICT, *flags, *sources, "-lm", "-o", PROGRAM]

    def build(folder: Path) -> None:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        run("C compiler", words, cwd=folder, timeout=TIMEOUT)

    facts = {"#command": shlex.join(words).encode(), "#version": _version(command).encode()}
    return entry("c", digest({**files, **facts}), build) / PROGRAM
