"""What the tests that build simulators share: where those are kept, and what happens where a tool is missing."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from emcc.base.errors import EmccError

QUICK = "-Og"
"""How well the compiler optimises a simulator that runs a moment: built as soon as with -O0, and three times faster."""
HEADERS = ("verilated.h", "chrono", "cstdio", "cstring", "fstream", "memory", "random", "stdexcept", "string", "vector")


def keep(config: pytest.Config, folders: pytest.TempPathFactory) -> None:
    """Simulators are kept in pytest's own cache, so that a second run does not build them again."""
    kept = getattr(config, "cache", None)  # None with -p no:cacheprovider
    os.environ.setdefault("EMCC_CACHE", str(kept.mkdir("emcc") if kept else folders.mktemp("emcc")))


def prepare(kept: pytest.Cache) -> None:
    """Compile what all simulators share, where the tools are there."""
    from emcc.tools import verilator

    os.environ.setdefault("EMCC_CACHE", str(kept.mkdir("emcc")))
    with suppress(EmccError):
        verilator.runtime(trace=False)
        _headers([*verilator.cxx_flags(trace=False), QUICK])


def build_quickly(patch: pytest.MonkeyPatch, level: str = QUICK) -> None:
    """Let the compiler take few pains over simulators that run a moment, and read headers that it has compiled.

    With another `level` those are optimised so that run for seconds.
    Those of the commands that tests start (the demo, the wheel) and of the largest real models are as a user's.
    """
    from emcc.tools import verilator

    patch.setattr(verilator, "HOT", level)
    patch.setattr(verilator, "_compile", _compile)


def _compile(work: Path, harness: Sequence[Path], trace: bool, program: str) -> None:
    """Compile model and harness as one file, in place of emcc's own: the headers cost more than a small design."""
    from emcc.tools import cxx, verilator

    unit = work / "all.cpp"
    files = [*harness, *sorted((work / "model").glob("*.cpp"))]
    unit.write_text("".join(f'#include "{file}"\n' for file in files), encoding="utf-8")
    flags = [*verilator.cxx_flags(trace), verilator.HOT]
    headers = [] if trace else ["-include", str(_headers(flags))]  # few are traced
    objects = cxx.compile_all([(unit, [*flags, *headers, f"-I{work / 'model'}"])], work)
    cxx.link([*objects, *verilator.runtime(trace)], work / program)


def _headers(flags: Sequence[str]) -> Path:
    """The headers that every simulator includes, with what the compiler made of them beside them."""
    from emcc.tools import cache, cxx, verilator

    text = "".join(f"#include <{name}>\n" for name in HEADERS).encode()
    tools = "\n".join([verilator.version(), *cxx.compiler(), cxx.version(), *flags]).encode()

    def make(work: Path) -> None:
        (work / "headers.h").write_bytes(text)
        (compiled,) = cxx.compile_all([(work / "headers.h", [*flags, "-x", "c++-header"])], work)
        compiled.rename(work / "headers.h.gch")

    return cache.entry("runtime", cache.digest({"headers": text, "tools": tools})[:32], make, waits=True) / "headers.h"


@contextmanager
def skipped_without_tools() -> Iterator[None]:
    """An EmccError in here, a tool that is missing, skips the test; tests/conftest.py makes a failure of that in CI."""
    try:
        yield
    except EmccError as error:
        pytest.skip(str(error).replace("\n", ";"))
