"""What `emcc boards` and `emcc bitstream` print."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.table import Table

from emcc.base.text import printable
from emcc.boards.board import Board
from emcc.boards.marker import MARKER
from emcc.boards.outcome import ESTIMATED, Outcome
from emcc.report.lines import seconds
from emcc.report.onboard import energy_line
from emcc.report.summary import console, shown

_KINDS = {"lut": "LUTs", "ff": "flip-flops", "bram": "block RAMs", "spram": "single-port RAMs", "dsp": "multipliers"}


def print_boards(boards: Mapping[str, Board]) -> None:
    """Print a row a board on stdout."""
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("board", "part", "clock", "LUTs", "block RAMs", "multipliers", "emcc makes"):
        table.add_column(title, justify="right" if title in ("clock", "LUTs", "block RAMs", "multipliers") else "left")
    for name, board in boards.items():
        limits, clock = board.limits, f"{board.clock.core_hz / 1e6:g} MHz"
        makes = "bitstream" if board.status == "built" else "project"
        numbers = (f"{number:,}" for number in (limits.lut, limits.bram, limits.dsp))
        cells = (name, board.part.name, clock, *numbers, makes)
        table.add_row(*(shown(printable(cell)) for cell in cells))
    out = console()
    out.print(table)
    out.print(shown("bitstream: with Yosys, nextpnr and a packer; project: for Vivado, which emcc does not run"))
    out.print(shown("`emcc bitstream DIR --board NAME`; a file of your own (NAME.toml) describes another board"))


def print_outcome(outcome: Outcome, place: Path) -> None:
    """Print what a bitstream takes and how fast it is."""
    out, limits = console(), outcome.project.board.limits.model_dump()
    estimated = outcome.status == ESTIMATED
    parts = []
    for kind, count in outcome.resources.items():
        if count or kind in ("lut", "bram", "dsp"):
            share = f" of {limits[kind]:,} ({count / limits[kind]:.0%})" if limits.get(kind) else ""
            parts.append(f"{count:,} {_KINDS[kind]}{share}".replace("%", " %"))
    out.print(shown(("estimate: " if estimated else "taken: ") + ", ".join(parts)))
    hz = outcome.project.hz / 1e6
    if estimated:
        out.print(shown(f"Vivado was not run: build.tcl runs it, for {hz:g} MHz; the numbers are Yosys's"))
    else:
        seed = outcome.best.seed if outcome.best else outcome.options.seed
        out.print(shown(f"clock: {hz:g} MHz; the design reaches {outcome.fmax:.2f} MHz (seed {seed})"))
    out.print(shown(_time(outcome)))
    out.print(shown(f"serial port: {outcome.project.board.uart.baud:,} baud (--baud of `emcc run`)"))
    out.print(shown(f"written: {printable(str(place), 1000)} ({MARKER} says what is there)"))


def _time(outcome: Outcome) -> str:
    """Say how long an inference takes at the clock there is, and, where that is published, its energy."""
    taken, hz = outcome.energy, outcome.project.hz
    text = f"time: {seconds(outcome.seconds)} an inference at {hz / 1e6:g} MHz [estimate: the cycle model]"
    return f"{text}; {energy_line(asdict(taken))}" if taken else text
