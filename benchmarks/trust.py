"""What is lost on data that emcc never saw: small public data sets in raw units, through the command line.

    python benchmarks/trust.py [--only NAME...] [--modes MODE...] [--jobs N] [--no-rtl] [--json FILE]
    python benchmarks/trust.py --promise [--splits N] [--only NAME...] [--jobs N] [--json FILE]

Each data set is dealt into 60 % to train on and 40 % to test on. torch trains a small float network on the 60 %; emcc
compiles it with them as --data, and never sees the others. Both are judged on the others by the true labels or targets:
the float model by onnxruntime, the artefact by what it computes. Modes: default, keep (--keep-weights) and max_drop
(--max-drop 1). Verilator holds the RTL against the reference on the same samples, unless --no-rtl.

Exit code 1 where a row loses more than a point and its 95 % interval, or more than a point without a warning, where the
RTL differs, or where emcc fails. With --promise, --max-drop 1 with as little training as emcc allows, on ten data sets
and twenty splits of each: exit code 1 where more than 1 in 13 lose more. docs/trust.md has the rules.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.trust.problems import PROBLEMS
from benchmarks.common.trust.rows import MODES, Job, run
from benchmarks.common.trust.verdict import console, faults, held, table

SMALL = tuple(name for name, problem in PROBLEMS.items() if problem.small)
LEAST = 185 / 200
"""Share of --promise's rows that must hold."""


def rows_of(job: Job) -> list[dict[str, Any]]:
    """Return the job's rows, from a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="emcc-trust-") as folder:
        return run(job, Path(folder))


def run_all(jobs: Sequence[Job], at_once: int) -> Iterator[list[dict[str, Any]]]:
    """Yield each job's rows, in order; a process a job where more than one runs at once."""
    if at_once == 1:
        yield from map(rows_of, jobs)
        return
    with ProcessPoolExecutor(at_once, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(rows_of, jobs)


def measured(jobs: Sequence[Job], at_once: int, say: Callable[[str], object]) -> list[dict[str, Any]]:
    """Return the rows of all jobs, and say each as it comes."""
    rows, begun = [], time.monotonic()
    for done in run_all(jobs, at_once):
        rows += done
        for row in done:
            result = row.get("error") or f"{row['before']:.2f} to {row['after']:.2f}"
            say(f"{time.monotonic() - begun:5.0f} s  {row['data']}, split {row['seed']}, {row['mode']}: {result}")
    return rows


def show_rows(rows: list[dict[str, Any]]) -> int:
    """Print the table and the verdict; 1 where something is wrong."""
    console().print(table(rows))
    wrong = faults(rows)
    for fault in wrong:
        print(f"wrong: {fault}")
    print(f"{len(rows)} rows, {len(wrong)} faults" if wrong else f"{len(rows)} rows, nothing wrong")
    return int(bool(wrong))


def show_promise(rows: list[dict[str, Any]]) -> int:
    """Print how many rows hold, data set by data set; 1 where fewer than LEAST of them do."""
    counts = held(rows)
    for name, count in counts.items():
        errors = f", {count['errors']} failed" if count["errors"] else ""
        mean = "" if count["lost"] is None else f", {count['lost']:.2f} points lost on average"
        print(f"{name}: {count['held']}/{count['total']} held, {count['strictly']} by the loss alone{mean}{errors}")
    total, good, strict = (sum(count[key] for count in counts.values()) for key in ("total", "held", "strictly"))
    print(f"all: {good}/{total} held, {strict} by the loss alone")
    return int(good < LEAST * total)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where emcc may not be trusted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PROBLEMS, metavar="NAME", help=", ".join(PROBLEMS))
    parser.add_argument("--modes", nargs="+", choices=MODES, help="[default: all; with --promise max_drop]")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="data sets at a time; the rows stay the same")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the split (the first, with --promise)")
    parser.add_argument("--no-rtl", action="store_true", help="leave Verilator out: mismatches are null")
    parser.add_argument("--promise", action="store_true", help="count how often --max-drop 1 keeps its word")
    parser.add_argument("--splits", type=int, default=20, metavar="N", help="of each data set, with --promise")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    given = parser.parse_args(arguments)
    if given.promise:
        seeds = range(given.seed, given.seed + given.splits)
        modes = tuple(given.modes or ("max_drop",))
        jobs = [Job(name, seed, modes, few=True) for name in given.only or SMALL for seed in seeds]
    else:
        modes = tuple(given.modes or MODES)
        jobs = [Job(name, given.seed, modes, rtl=not given.no_rtl) for name in given.only or PROBLEMS]
    rows = measured(jobs, given.jobs, lambda line: print(line, file=sys.stderr, flush=True))
    if given.json:
        promised = {"promise": held(rows)} if given.promise else {}
        given.json.write_text(json.dumps({**promised, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    return show_promise(rows) if given.promise else show_rows(rows)


if __name__ == "__main__":
    sys.exit(main())
