"""Runs a built simulator on words of integers: files in, files out, as many processes as there are cores."""

import re
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.ir.graph import Array
from emcc.tools.process import Finished, ToolError, cores, parallel, run

COUNTERS = ("cycles", "broadcasts", "stalls", "transfer", "exposed")
STOPPED = (3, 4, 5)
TIMEOUT = 7 * 24 * 3600.0
CHUNK = 16


@dataclass(frozen=True)
class Shape:
    """What the harness has to know of a design.

    Attributes:
        act_w: bits of a beat, an activation.
        turns: beats of an inference as they follow each other: into the design positive, out of it negative.
        steps: that the design says it has done: passes.
        next_input: whether it takes the next inference's beats while one is under way.
    """

    act_w: int
    turns: tuple[int, ...]
    steps: int
    next_input: bool = False

    @property
    def out(self) -> int:
        """Integers that come out of an inference."""
        return -sum(turn for turn in self.turns if turn < 0)

    @property
    def dtype(self) -> np.dtype[np.signedinteger]:
        """An activation in the harness's files."""
        return np.dtype(f"<i{self.act_w // 8}")


@dataclass(frozen=True)
class Stalls:
    """Random back-pressure: each cycle s_axis_tvalid waits with probability `into`, m_axis_tready with `out`.

    Registers and memories then start with random bits, and what tdata holds between beats is random anyway.
    """

    into: float = 0.0
    out: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Run:
    """What came out of the design.

    Attributes:
        words: int64 [n, shape.out], of the inferences that completed; `done` says which.
        records: int64 [n, len(COUNTERS) + steps]: the counters, then the cycle in which each step completed.
        done: bool [n].
        first: bool [n], whether nothing came before it since the design was reset.
        failure: why the simulation stopped early, or "".
    """

    words: Array
    records: Array
    done: Array
    first: Array
    failure: str = ""


@dataclass
class _Count:
    """Inferences done over all processes."""

    report: Callable[[int], object] | None
    done: dict[int, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, part: int, done: int) -> None:
        """Report the sum over all processes, `done` inferences being over in process `part`."""
        if self.report:
            with self.lock:
                self.done[part] = done
                self.report(sum(self.done.values()))


def drive(
    program: Path,
    folder: Path,
    shape: Shape,
    slots: Array,
    *,
    max_cycles: int = 1_000_000,
    stalls: Stalls | None = None,
    trace: Path | None = None,
    jobs: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Run:
    """Run inferences through a simulator.

    Args:
        program: the simulator, from emcc.tools.verilator.build.
        folder: the artefact's folder, where the ROM images are.
        shape: of the design's streams.
        slots: integers [n, ...], all beats in of an inference.
        max_cycles: an inference may take; more is a failure.
        stalls: random gaps; cycle counts are then no longer those of the design.
        trace: an FST file to write; needs a simulator built for it, and is one process.
        jobs: processes; by default one a core, each with at least CHUNK inferences.
        progress: called with the number of inferences completed, from several threads, never at once.

    Raises:
        EmccError: a ROM image is missing or damaged.
        ToolError: the harness was used wrongly.
    """
    total = len(slots)
    parts = 1 if trace else max(1, min(jobs or cores(), -(-total // CHUNK)))
    bounds = [total * index // parts for index in range(parts + 1)]
    count = _Count(progress)
    options: list[object] = ["--act-bytes", shape.act_w // 8, "--steps", shape.steps]
    options += ["--turns", ",".join(f"{turn:+}" for turn in shape.turns), "--max-cycles", max_cycles]
    if shape.next_input:
        options.append("--next-input")
    if stalls:
        options += ["--stall-in", stalls.into, "--stall-out", stalls.out, "--random-init"]
    if trace:
        options += ["--trace", trace.absolute()]

    def simulate(part: tuple[int, int]) -> Run:
        first, last = part
        seed = ["--seed", stalls.seed + first] if stalls else []
        with tempfile.TemporaryDirectory(prefix="emcc-sim-") as scratch:
            job = _Job(program, folder, shape, Path(scratch), lambda done: count.set(first, done))
            return job.run(slots[first:last], [*options, *seed], first)

    return _joined(parallel(simulate, list(pairwise(bounds)), parts))


@dataclass(frozen=True)
class _Job:
    """One process of the simulator."""

    program: Path
    folder: Path
    shape: Shape
    scratch: Path
    done: Callable[[int], object]

    def run(self, slots: Array, options: Sequence[object], first: int) -> Run:
        """Run `slots`, which are inferences `first` and on."""
        shape, files = self.shape, {name: self.scratch / name for name in ("input", "output", "stats")}
        slots.astype(shape.dtype).tofile(files["input"])
        names = [word for name, file in files.items() for word in (f"--{name}", file)]
        command = [str(word) for word in (self.program, *names, "--count", len(slots), *options)]
        finished = run("the simulator", command, cwd=self.folder, timeout=TIMEOUT, check=False, on_line=self._line)
        images = sorted({line.strip() for line in finished.output.splitlines() if "$readmem" in line})
        if images:
            raise EmccError(
                "ROM images are missing or damaged",
                file=self.folder,
                hint="compile the model again",
                details=[printable(line) for line in images[:10]],
            )
        if finished.code not in (0, *STOPPED):
            raise ToolError("the simulator", finished.code, finished.output, command)
        words = np.fromfile(files["output"], shape.dtype).astype(np.int64)
        records = np.fromfile(files["stats"], "<i8")
        width, length = shape.out, len(COUNTERS) + shape.steps
        done = min(words.size // width, records.size // length)
        full_words, full_records = np.zeros((len(slots), width), np.int64), np.zeros((len(slots), length), np.int64)
        full_words[:done] = words[: done * width].reshape(done, width)
        full_records[:done] = records[: done * length].reshape(done, length)
        place = np.arange(len(slots))
        return Run(full_words, full_records, place < done, place == 0, _reason(finished, first))

    def _line(self, line: str) -> None:
        if line.startswith("progress "):
            self.done(int(line.split()[1]))


def _reason(finished: Finished, first: int) -> str:
    """Return why the simulator stopped, or ""; its count of inferences starts at `first`."""
    if not finished.code:
        return ""
    lines = [line.strip() for line in finished.output.splitlines() if line and not line.startswith("progress ")]
    text = "\n".join(lines[-12:]) or f"exit code {finished.code}"
    return re.sub(r"(emcc_sim: inference )(\d+)", lambda match: f"{match[1]}{int(match[2]) + first}", text)


def _joined(parts: Sequence[Run]) -> Run:
    return Run(
        np.concatenate([part.words for part in parts]),
        np.concatenate([part.records for part in parts]),
        np.concatenate([part.done for part in parts]),
        np.concatenate([part.first for part in parts]),
        next((part.failure for part in parts if part.failure), ""),
    )
