"""An artefact's C for a Cortex-M4: sizes by arm-none-eabi-gcc, and runs with counted instructions in QEMU."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[2] / "sim" / "firmware"
CC, SIZE, QEMU = "arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm"
CPU = ("-mcpu=cortex-m4", "-mthumb", "-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")
LINKED = ("-nostartfiles", "--specs=nosys.specs", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")
LIMIT = 120.0


def missing(*tools: str) -> list[str]:
    """Return those of some tools that are not there."""
    return [tool for tool in tools if shutil.which(tool) is None]


@dataclass(frozen=True)
class Sizes:
    """Bytes of one model's object file: code, tables, and of the scratch as its header declares it."""

    text: int
    constants: int
    scratch: int


def sizes(files: Mapping[str, bytes], name: str, folder: Path, optimise: str = "-O2") -> Sizes:
    """Compile emcc_NAME.c of c/ and measure it."""
    write(files, folder)
    (folder / "ram.c").write_text(f'#include "emcc_{name}.h"\nemcc_{name}_scratch scratch;\n')
    rows = {}
    for source in (f"emcc_{name}", "ram"):
        _run(CC, *CPU, optimise, "-ffunction-sections", "-c", f"{source}.c", "-o", f"{source}.o", cwd=folder)
        rows[source] = sections(_run(SIZE, "-A", f"{source}.o", cwd=folder))
    return summed(rows[f"emcc_{name}"], rows["ram"])


def summed(own: Mapping[str, int], ram: Mapping[str, int]) -> Sizes:
    """Return sizes from the sections of a model's object file, and of one with its scratch."""
    text = sum(size for section, size in own.items() if section.startswith(".text"))
    constants = sum(size for section, size in own.items() if section.startswith((".rodata", ".srodata")))
    return Sizes(text, constants, sum(size for section, size in ram.items() if section.startswith((".bss", ".sbss"))))


def run(files: Mapping[str, bytes], name: str, folder: Path, optimise: str = "-O2") -> int:
    """Build test.c of c/ and run it; return what it ends with, 0 where every integer is right."""
    write(files, folder)
    _link(folder, ["test.c", f"emcc_{name}.c"], optimise)
    return subprocess.run(_qemu("image.elf"), cwd=folder, timeout=LIMIT, check=False).returncode


def instructions(files: Mapping[str, bytes], name: str, folder: Path, optimise: str = "-O2") -> int:
    """Return the instructions of an inference of the first vector: those of two less those of one."""
    write(files, folder)
    _run("cc", "-O2", "-shared", "-fPIC", "-o", "count.so", HERE / "count.c", cwd=folder)
    taken = []
    for times in (1, 2):
        (folder / "main.c").write_text(
            f'#include "emcc_{name}.h"\n#include "emcc_{name}_vectors.h"\n'
            f"static emcc_{name}_scratch scratch;\n"
            f"static int{_act_bits(files, name)}_t y[EMCC_{name.upper()}_OUT_0];\n"
            f"int main(void) {{\n  for (volatile int i = 0; i < {times}; ++i)\n"
            f"    emcc_{name}_segment_0(emcc_in_0[0], y, &scratch);\n"
            "  for (int i = 0; i < (int)(sizeof y / sizeof y[0]); ++i)\n    if (y[i] != emcc_out_0[0][i]) return 1;\n"
            "  return 0;\n}\n"
        )
        _link(folder, ["main.c", f"emcc_{name}.c"], optimise)
        _run(*_qemu("image.elf"), "-plugin", "./count.so,to=count", cwd=folder)
        taken.append(int((folder / "count").read_text()))
    return taken[1] - taken[0]


def _act_bits(files: Mapping[str, bytes], name: str) -> int:
    found = re.search(rb"#define EMCC_ACT_W (\d+)", files[f"emcc_{name}_config.h"])
    assert found
    return int(found[1])


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder, made where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)


def _link(folder: Path, sources: Sequence[str], optimise: str) -> None:
    script, start = HERE / "cortex_m4.ld", HERE / "start.c"
    _run(CC, *CPU, *LINKED, optimise, "-DEMCC_QUIET", "-T", script, start, *sources, "-o", "image.elf", cwd=folder)


def _qemu(image: str) -> list[str]:
    quiet = ["-nographic", "-monitor", "none", "-serial", "none"]
    return [QEMU, "-M", "mps2-an386", *quiet, "-semihosting-config", "enable=on,target=native", "-kernel", image]


def sections(listing: str) -> dict[str, int]:
    """Return the bytes of each section that `size -A` lists."""
    return {name: int(size) for name, size in re.findall(r"^(\.\S+)\s+(\d+)", listing, re.MULTILINE)}


def _run(*command: object, cwd: Path) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, timeout=LIMIT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
