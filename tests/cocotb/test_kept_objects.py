"""What tests compile is taken from before where text, command and compiler are the same, and nowhere else."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

KEPT = Path(__file__).with_name("kept_objects.py")
CXX = """#!/bin/sh
case "$*" in *-E*) ;; *-c*) echo "$*" >> "$LOG" ;; esac
exec c++ "$@"
"""
TEXT = 'extern void VL_STOP_MT(const char*, int);\nint f() { VL_STOP_MT("%s/rtl/a.sv", 1); return %d; }\n'


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., tuple[bytes, int]]:
    """Compile a text: (what came out, how often the compiler has made an object)."""
    compiler, log = tmp_path / "cxx", tmp_path / "log"
    compiler.write_text(CXX)
    compiler.chmod(0o755)

    def make(text: str, *flags: str, folder: str = "one") -> tuple[bytes, int]:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        (place / "a.cpp").write_text(text)
        command = [str(compiler), *flags, "-c", "-o", "a.o", "a.cpp"]
        environment = {**os.environ, "EMCC_CACHE": str(tmp_path / "cache"), "LOG": str(log)}
        subprocess.run([sys.executable, str(KEPT), *command], cwd=place, env=environment, check=True)
        return (place / "a.o").read_bytes(), len(log.read_text().splitlines())

    return make


def test_the_same_again_is_taken_and_what_differs_is_not(compiled: Callable[..., tuple[bytes, int]]) -> None:
    first, calls = compiled(TEXT % ("one", 1), "-O1")
    assert calls == 1
    assert compiled(TEXT % ("one", 1), "-O1") == (first, 1)
    assert compiled(TEXT % ("two", 1), "-O1", folder="two") == (first, 1)
    other, calls = compiled(TEXT % ("one", 2), "-O1")
    assert calls == 2
    assert other != first
    assert compiled(TEXT % ("one", 1), "-O1", "-DX=1")[1] == 3
    assert compiled(TEXT % ("one", 1), "-O1") == (first, 3)


def test_what_does_not_compile_leaves_nothing(compiled: Callable[..., tuple[bytes, int]]) -> None:
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            compiled("int f() { return nothing; }\n")
    assert compiled("int f() { return 3; }\n")[1] == 3
