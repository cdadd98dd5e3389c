"""nextpnr, from the YoWASP wheels: from Yosys's netlist to a placed and routed design, with its clock and its cells."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache as once
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from emcc.base.errors import EmccError
from emcc.tools import cache
from emcc.tools.process import Finished, run

TIMEOUT = 7200.0
REPORT = "nextpnr.json"
_UTILISATION = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*\d+\s+\d+%$", re.MULTILINE)


@dataclass(frozen=True)
class Family:
    """What differs from family to family.

    Attributes:
        package: the Python package with the program of that name, underscores for hyphens.
        synth: the Yosys command that makes its netlists.
        pads: the Yosys command for the pads of the top, where `synth` would give them to every module.
        arguments: always given.
        open_pins: arguments that let pins without a place through, where the program can do that.
    """

    package: str
    synth: str
    pads: str = ""
    arguments: tuple[str, ...] = ()
    open_pins: tuple[str, ...] = ()


def lut_words(words: int) -> str:
    """Return the Yosys command that makes accumulators and activations of up to so many words out of LUTs."""
    return f"chparam -set SumLutWords {words} emcc_top"


def spram_bits(bits: int) -> str:
    """Return the Yosys command that makes single-port RAMs of iCE40 UP of streamed memories of so many bits or more."""
    return f"chparam -set SpramBits {bits} emcc_top"


_GOWIN_PADS = "iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O"

FAMILIES: Mapping[str, Family] = {
    "ecp5": Family("nextpnr_ecp5", "synth_ecp5", open_pins=("--lpf-allow-unconstrained",)),
    "ice40": Family(
        "nextpnr_ice40",
        "synth_ice40 -dsp -abc9 -device u",
        open_pins=("--pcf-allow-unconstrained",),
    ),
    "gowin": Family("nextpnr_himbaechel_gowin", "synth_gowin -family gw2a -noiopads", _GOWIN_PADS),
}


@dataclass(frozen=True)
class Part:
    """A device: its family and what nextpnr has to be told to mean it."""

    family: str
    arguments: tuple[str, ...]

    @property
    def of(self) -> Family:
        """Its family."""
        return FAMILIES[self.family]


@dataclass(frozen=True)
class Hop:
    """A step of a path: through a cell's logic, or along a net; `delay` in ns."""

    kind: str
    delay: float
    source: str
    sink: str


@dataclass(frozen=True)
class Routed:
    """A placed and routed design.

    Attributes:
        fmax: MHz a clock.
        used: cells by type; available: how many the part has.
        path: the slowest register-to-register path of the slowest clock.
        log: what nextpnr printed.
    """

    fmax: Mapping[str, float]
    used: Mapping[str, int]
    available: Mapping[str, int]
    path: tuple[Hop, ...] = ()
    log: str = field(default="", repr=False)

    @property
    def slowest(self) -> float:
        """MHz of the slowest clock."""
        return min(self.fmax.values())


def place_and_route(
    netlist: str,
    part: Part,
    *,
    cwd: Path,
    seed: int,
    freq: float,
    arguments: Sequence[str] = (),
    open_pins: bool = False,
    timeout: float = TIMEOUT,
) -> Routed:
    """Place and route a netlist that Yosys wrote for the part's family.

    nextpnr is WebAssembly and sees only the files below `cwd`. A clock slower than `freq` (MHz) is no error.

    Args:
        netlist: a JSON file, by its name in `cwd`.
        seed: of the placer: the same seed gives the same design.
        arguments: more of them: constraints, what to write.
        open_pins: let pins without a place through; on Gowin parts every pin needs one.

    Raises:
        EmccError: the wheel is not installed.
        ToolError: the design does not fit, or the time ran out.
    """
    words = [*(part.of.open_pins if open_pins else ()), *arguments, "--seed", str(seed), "--freq", str(freq)]
    words += ["--timing-allow-fail", "--report", REPORT]
    done = _nextpnr(netlist, part, words, cwd, timeout, [cwd / REPORT])
    return read_report((cwd / REPORT).read_text(encoding="utf-8"), done.output)


def packed(
    netlist: str, part: Part, *, cwd: Path, arguments: Sequence[str] = (), timeout: float = TIMEOUT
) -> dict[str, int]:
    """Pack a netlist that Yosys wrote for the part's family, without placing it; `arguments` as for `place_and_route`.

    Returns:
        the cells of the part that it takes, by type, also where the part has fewer.

    Raises:
        EmccError: the wheel is not installed.
        ToolError: nextpnr refuses the netlist, or the time ran out.
    """
    done = _nextpnr(netlist, part, [*part.of.open_pins, *arguments, "--pack-only"], cwd, timeout, [])
    return {name: int(used) for name, used in _UTILISATION.findall(done.output)}


def _nextpnr(
    netlist: str, part: Part, words: Sequence[str], cwd: Path, timeout: float, stale: Sequence[Path]
) -> Finished:
    module = f"yowasp_{part.of.package}"
    check(part)
    first_call(module, part.of.package)
    own = [*part.arguments, *part.of.arguments, "--json", netlist]
    command = [sys.executable, "-c", f"import {module} as n; n._run_{part.of.package}_argv()", *own, *words]
    return run("nextpnr", command, cwd=cwd, timeout=timeout, stale=stale)


def check(part: Part) -> None:
    """Raise EmccError where the family's wheel is not installed."""
    module = f"yowasp_{part.of.package}"
    if find_spec(module) is None:
        raise EmccError("nextpnr is not installed", hint=f"pip install {module.replace('_', '-')}")


@once
def first_call(module: str, program: str) -> None:
    """Let a wheel compile a program's WebAssembly, once a machine: two processes that do so spoil each other's file."""

    def ask(work: Path) -> None:
        run(
            program,
            [sys.executable, "-c", f"import {module} as n; n._run_{program}_argv()", "--version"],
            cwd=work,
            timeout=TIMEOUT,
            check=False,
        )

    with cache.alone(program):
        cache.entry(program, version(module.replace("_", "-")), ask)


def read_report(text: str, log: str = "") -> Routed:
    """Return the content of nextpnr's --report. Raise ValueError for another file, or a design without a clock."""
    report = json.loads(text)
    clocks = {name: float(clock["achieved"]) for name, clock in sorted(report["fmax"].items())}
    if not clocks:
        raise ValueError("nextpnr's report has no clock in it")
    cells = report["utilization"]
    return Routed(
        fmax=clocks,
        used={name: int(cell["used"]) for name, cell in sorted(cells.items())},
        available={name: int(cell["available"]) for name, cell in sorted(cells.items())},
        path=_worst(report.get("critical_paths", ()), min(clocks, key=lambda name: clocks[name])),
        log=log,
    )


def _worst(paths: Sequence[Mapping[str, Any]], clock: str) -> tuple[Hop, ...]:
    """Return the path from the clock's edge to the same edge; nextpnr names domains "posedge <clock>"."""
    for path in paths:
        if {path["from"].split(" ", 1)[-1], path["to"].split(" ", 1)[-1]} == {clock}:
            return tuple(_hop(step) for step in path["path"])
    return ()


def _hop(step: Mapping[str, Any]) -> Hop:
    ends = [f"{step[end]['cell']}.{step[end]['port']}" for end in ("from", "to")]
    return Hop(str(step["type"]), float(step["delay"]), *ends)
