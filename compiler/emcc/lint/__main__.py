"""Lint of emitted RTL under three readers: `python -m emcc.lint [--allow-missing] [DIR...]`, DIR being an artefact.

Without a DIR the specimens are linted, which between them use every parameter of the RTL library. No warning is
accepted, and a reader that is not installed is a failure, but for Icarus with --allow-missing. Where an artefact has
tops for SoCs and boards, these are what is linted: the other stands in them. A waiver is a Verilator configuration
file in rtl/ (one rule, the narrowest match, a reason).
"""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emcc.backends import soc
from emcc.backends.verilog.uart import FILES as UART
from emcc.backends.verilog.uart import TOP as UART_TOP
from emcc.base.errors import EmccError
from emcc.tools import icarus, verilator
from emcc.tools.rtl import read_rtl
from emcc.tools.yosys import yosys


@dataclass(frozen=True)
class Finding:
    """What one reader said of one design: its lines of warning, or why it was not asked."""

    reader: str
    warnings: tuple[str, ...]
    skipped: str = ""


def lint(folder: Path, allow_missing: bool = False) -> list[Finding]:
    """Lint the design of an artefact under every reader.

    Raises:
        EmccError: the artefact or a reader is missing; Icarus may be, with `allow_missing`.
    """
    sources = read_rtl(folder)
    tops = _tops(sources)
    waivers = sorted(name for name in sources if name.endswith(".vlt"))
    skipped = Finding("icarus", (), skipped="iverilog is not installed")
    return [
        skipped
        if name == "icarus" and allow_missing and not icarus.installed()
        else _joined([reader(folder.resolve(), top, names, waivers) for top, names in tops.items()])
        for name, reader in READERS.items()
    ]


def _tops(sources: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Return the outermost modules and the files of each: those for SoCs and boards, or the accelerator's own."""
    names = verilator.design_files(sources)
    found = {}
    if soc.LISTING in sources:
        found[soc.TOP] = [*names, *verilator.design_files(sources, soc.LISTING)]
    if UART in sources:
        found[UART_TOP] = verilator.design_files(sources, UART)
    return found or {verilator.TOP: names}


def _joined(findings: Sequence[Finding]) -> Finding:
    return Finding(findings[0].reader, tuple(line for finding in findings for line in finding.warnings))


def _verilator(folder: Path, top: str, names: Sequence[str], waivers: Sequence[str]) -> Finding:
    arguments = ["--lint-only", "-Wall", "--assert", "--no-timing", *verilator.INCLUDES, "--top-module", top]
    done = verilator.verilator([*arguments, *waivers, *names], cwd=folder, check=False)
    lines = [line for line in done.output.splitlines() if not line.startswith("- ")]
    return _finding("verilator", done.code, lines)


def _yosys(folder: Path, top: str, names: Sequence[str], waivers: Sequence[str]) -> Finding:
    """Run `check -assert` too: `hierarchy -check` alone finds no undriven or multiply driven net."""
    script = f"read_verilog -sv {' '.join(names)}; hierarchy -check -top {top}; proc; check -assert"
    done = yosys(script, cwd=folder, check=False)
    return _finding("yosys", done.code, done.output.splitlines())


def _icarus(folder: Path, top: str, names: Sequence[str], waivers: Sequence[str]) -> Finding:
    done = icarus.iverilog(names, top, cwd=folder, check=False)
    return _finding(
        "icarus", done.code, [line for line in done.output.splitlines() if not line.endswith(icarus.ACCEPTED)]
    )


READERS: dict[str, Callable[[Path, str, Sequence[str], Sequence[str]], Finding]] = {
    "verilator": _verilator,
    "yosys": _yosys,
    "icarus": _icarus,
}


def _finding(reader: str, code: int, lines: Sequence[str]) -> Finding:
    """Take every line for a warning: the readers are asked to print nothing else than warnings."""
    warnings = tuple(line for line in lines if line.strip())
    return Finding(reader, warnings or ((f"exit code {code}",) if code else ()))


def main(arguments: Sequence[str]) -> int:
    """Lint artefacts, or the specimens, and print what was found; 1 if there was anything, 2 on wrong use."""
    allow_missing = "--allow-missing" in arguments
    with tempfile.TemporaryDirectory(prefix="emcc-lint-") as scratch:
        folders = {name: Path(name) for name in arguments if name != "--allow-missing"} or _specimens(Path(scratch))
        bad = False
        for name, folder in folders.items():
            try:
                findings = lint(folder, allow_missing)
            except EmccError as error:
                print(f"emcc: error: {error}", file=sys.stderr)
                return 2
            for finding in findings:
                state = finding.skipped and f"skipped: {finding.skipped}"
                print(f"{name}: {finding.reader}: {state or f'{len(finding.warnings)} lines of warnings'}")
                for line in finding.warnings:
                    print(f"  {line}")
                bad = bad or bool(finding.warnings)
    return int(bad)


def _specimens(scratch: Path) -> dict[str, Path]:
    from emcc.files.artefact import Artefact
    from emcc.lint.specimens import SPECIMENS

    for name, specimen in SPECIMENS.items():
        Artefact(specimen.files()).write(scratch / name)
    return {name: scratch / name for name in SPECIMENS}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
