"""The C++ compiler: which one, and object files from sources, in parallel."""

import os
import shlex
import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.tools.process import parallel, run

TIMEOUT = 1800.0


@lru_cache(maxsize=8)
def _found(chosen: str) -> tuple[str, ...]:
    """Return $CXX as words, or the first compiler on PATH."""
    for words in [shlex.split(chosen)] if chosen else [["c++"], ["g++"], ["clang++"]]:
        path = shutil.which(words[0]) if words else None
        if path:
            return (path, *words[1:])
    cause = f"CXX is {chosen!r}, and there is no such program" if chosen else "no C++ compiler on PATH"
    raise EmccError(cause, hint="simulation compiles C++: install g++ or clang++, or set CXX")


def compiler() -> tuple[str, ...]:
    """Return the C++ compiler's command. Raise EmccError where there is none."""
    return _found(os.environ.get("CXX", ""))


@lru_cache(maxsize=8)
def _version(command: tuple[str, ...]) -> str:
    return run("C++ compiler", [*command, "--version"], timeout=60).output


def version() -> str:
    """Return the output of the compiler's --version."""
    return _version(compiler())


def compile_all(units: Sequence[tuple[Path, Sequence[str]]], folder: Path) -> list[Path]:
    """Compile (source, flags) pairs into object files in `folder`, as many at once as there are cores.

    Raises:
        ToolError: a source does not compile.
    """
    command = compiler()

    def compile_unit(unit: tuple[Path, Sequence[str]]) -> Path:
        source, flags = unit
        target = folder / f"{source.stem}.o"
        words = [*command, *flags, "-c", str(source), "-o", str(target)]
        run("C++ compiler", words, cwd=folder, timeout=TIMEOUT, stale=[target])
        return target

    return parallel(compile_unit, units)


def link(objects: Sequence[Path], target: Path) -> None:
    """Link object files into the program `target`."""
    run("C++ linker", [*compiler(), *objects, "-pthread", "-o", target], timeout=TIMEOUT, stale=[target])
