"""An artefact's C for a 32-bit RISC-V, RV32IMC: sizes, and a run, by the clang of the ziglang wheel (docs/adr/0038)."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.common import firmware

CLANG = (sys.executable, "-m", "ziglang", "cc")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")
CPU = ("-mcpu=generic_rv32+m+c", "-ffunction-sections", "-fdata-sections")
BARE = ("-target", "riscv32-freestanding-none")
SIZE, QEMU = "size", "qemu-riscv32"
LIMIT = 300.0


def missing(*tools: str) -> list[str]:
    """Return what is not there: the wheel, and those of some tools."""
    wheel = [] if find_spec("ziglang") else ["ziglang (pip install ziglang)"]
    return wheel + [tool for tool in tools if shutil.which(tool) is None]


def sizes(files: Mapping[str, bytes], name: str, folder: Path, optimise: str = "-O2") -> firmware.Sizes:
    """Compile emcc_NAME.c of c/ for RV32IMC and measure it, as firmware.sizes does for a Cortex-M4."""
    firmware.write(files, folder)
    (folder / "ram.c").write_text(f'#include "emcc_{name}.h"\nemcc_{name}_scratch scratch;\n')
    rows = {}
    for source in (f"emcc_{name}", "ram"):
        _run(*CLANG, *BARE, *CPU, *STRICT, optimise, "-c", f"{source}.c", "-o", f"{source}.o", cwd=folder)
        rows[source] = firmware.sections(_run(SIZE, "-A", f"{source}.o", cwd=folder))
    return firmware.summed(rows[f"emcc_{name}"], rows["ram"])


def run(files: Mapping[str, bytes], name: str, folder: Path, optimise: str = "-O2") -> int:
    """Build test.c of c/ without a library and run it; return what it ends with, 0 where every integer is right."""
    firmware.write(files, folder)
    sources = [str(firmware.HERE / "riscv.c"), "test.c", f"emcc_{name}.c"]
    _run(*CLANG, *BARE, *CPU, *STRICT, optimise, "-nostdlib", "-DEMCC_QUIET", *sources, "-o", "image", cwd=folder)
    done = subprocess.run([QEMU, "./image"], cwd=folder, timeout=LIMIT, capture_output=True, check=False)
    return done.returncode


def _run(*command: str, cwd: Path) -> str:
    words: Sequence[str] = command
    caches = {"ZIG_LOCAL_CACHE_DIR": str(cwd / "cache")}
    done = subprocess.run(
        words, cwd=cwd, timeout=LIMIT, capture_output=True, text=True, check=False, env={**os.environ, **caches}
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
