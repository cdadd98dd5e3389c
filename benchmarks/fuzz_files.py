"""Changed files of every kind that emcc reads, through the command line: each is taken, or one error.

    python benchmarks/fuzz_files.py [--json FILE] [--count 1000] [--seed N] [--kinds onnx,data] [--keep DIR]

A case is a good file with a few changes that leave its structure (benchmarks/common/mutate.py), and a command on it,
run inside a worker process that may take MEMORY bytes beside what it begins with, and SECONDS of processor time a case.
It ends as: ok; refused (one error, exit code 2); traceback; hang; memory; crash. Exits with 1 for all but the first
two.
"""

import argparse
import json
import queue
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SECONDS = 30.0
PATIENCE = 600.0
"""Seconds without an answer: what waits takes no processor time."""

MEMORY = 2 << 30
GOOD = ("ok", "refused")
KEPT = 400


def main(arguments: Sequence[str] | None = None) -> int:
    from benchmarks.common.hostile import KINDS

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="of the cases (0)")
    parser.add_argument("--count", type=int, default=1000, help="cases, over all kinds (1000)")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (0)")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep there the files that were not taken as they should"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE too")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    cases = [
        (kind, i) for i in range(options.first, options.first + options.count) for kind in options.kinds.split(",")
    ]
    cases = cases[: options.count]
    if options.worker:
        return _work(options.seed, options.keep)
    begun = time.perf_counter()
    ended = []
    for row in _campaign(cases, options.seed, options.keep):
        ended.append(row)
        if row[2] not in GOOD:
            print(f"{row[0]} {row[1]}: {row[2]}: {row[3][-KEPT:]}", flush=True)
    table = {
        kind: dict(Counter(how for name, _, how, _, _ in ended if name == kind)) for kind in options.kinds.split(",")
    }
    bad = [
        {"kind": kind, "case": i, "ended": how, "said": said[-KEPT:]}
        for kind, i, how, said, _ in ended
        if how not in GOOD
    ]
    slowest = max(ended, key=lambda row: row[4])
    for kind, row in table.items():
        print(f"{kind:9} " + ", ".join(f"{number:,} {how}" for how, number in sorted(row.items())))
    total = time.perf_counter() - begun
    print(
        f"{len(ended):,} cases of seed {options.seed} in {total:.0f} s, the slowest {slowest[4]:.1f} s: {slowest[:2]}"
    )
    if options.json:
        facts = {"seed": options.seed, "count": len(ended), "ended": table, "bad": bad}
        options.json.write_text(json.dumps(facts, indent=1) + "\n")
    return int(bool(bad))


def _campaign(cases: list[tuple[str, int]], seed: int, keep: Path | None) -> Any:
    """Yield (kind, case, how it ended, what was said, seconds); after a worker that hangs or dies comes a new one."""
    worker = None
    for kind, i in cases:
        worker = worker or _Worker(seed, keep)
        begun = time.perf_counter()
        answer = worker.ask(kind, i)
        if answer is None or answer[0] == "memory":
            answer, worker = answer or (worker.died(), "the worker ended"), worker.end()
        yield kind, i, *answer, time.perf_counter() - begun
    if worker:
        worker.end()


class _Worker:
    """A process that is told a case a line, and answers with a line of JSON."""

    def __init__(self, seed: int, keep: Path | None) -> None:
        words = [
            sys.executable,
            __file__,
            "--worker",
            "--seed",
            str(seed),
            *(["--keep", str(keep.absolute())] if keep else []),
        ]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._answer(600)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put("")

    def _answer(self, seconds: float) -> Any:
        try:
            line = self.answers.get(timeout=seconds)
        except queue.Empty:
            return None
        return json.loads(line) if line else None

    def ask(self, kind: str, case: int) -> Any:
        """Return how the case ended and what was said; None where there is no answer in time."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{kind} {case}\n")
            self.process.stdin.flush()
        except OSError:
            return None
        return self._answer(PATIENCE)

    def died(self) -> str:
        """Return why there is no answer: it ran or waited for too long, was ended for its memory, or crashed."""
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            return "hang"
        return {-signal.SIGPROF: "hang", -signal.SIGKILL: "memory", -signal.SIGABRT: "memory"}.get(code, "crash")

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


def _work(seed: int, keep: Path | None) -> int:
    from benchmarks.common.hostile import KINDS, Bench

    answers, sys.stdout = sys.stdout, sys.stderr
    with tempfile.TemporaryDirectory(prefix="emcc-fuzz-") as place:
        bench = Bench(Path(place))
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
        print(json.dumps(["ready", ""]), file=answers, flush=True)
        for line in sys.stdin:
            kind, case = line.split()
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            ended = bench.run(kind, seed, int(case))
            signal.setitimer(signal.ITIMER_PROF, 0)
            if keep and ended[0] not in GOOD:
                keep.mkdir(parents=True, exist_ok=True)
                name = Path(KINDS[kind].file).name
                (keep / f"{kind}-{case}-{name}").write_bytes(bench.case(kind, seed, int(case))[0])
            print(json.dumps([ended[0], ended[1]]), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
