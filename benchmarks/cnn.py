"""Convolutional networks through the compiler and Verilator: cycles, integers, answers.

    python benchmarks/cnn.py --data ../shared/data [--only NAME...] [--bits N...] [--quick] [--next-input] [--jobs N]
        [--json FILE]

Deep Compression's SqueezeNet on 64 PEs, MLPerf Tiny's four networks (float files and quantised ones) and small MNIST
and CIFAR networks on 32, weights kept (--keep-weights). Verilator runs the first sample of SqueezeNet, ten of MNIST's,
24 of the autoencoder's and all others; the bit-exact reference answers for all. --quick leaves SqueezeNet out.

A cycle count is of the array at work; the transfer of inputs and outputs is beside it. *Ideal* is the number of
products of a non-zero weight and a non-zero activation over the number of PEs, *dense* what as many multipliers take
for all products, none of them ever waiting. Exit code 1 where an integer or a cycle count is wrong, or a row misses
what it should reach (GOALS, and answers as good as the file's own).
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.cnn.problems import PROBLEMS
from benchmarks.common.cnn.rows import Job, run
from benchmarks.common.cnn.tables import faults, show

BITS = (8, 16)
WIDE = ("squeezenet", "mnist-8", "lenet5_dns", "cnn_max", "cifar_base")
"""Those that Verilator runs at 16 bits alone."""
SIMULATED_AT = 16


def jobs_of(
    names: Sequence[str], bits: Sequence[int], data: Path, rtl: int | None, next_input: bool = False
) -> list[Job]:
    """Return what is to be run: a job a network and number of bits."""
    return [
        Job(name, width, data, 0 if name in WIDE and width != SIMULATED_AT else rtl, next_input)
        for name in names
        for width in bits
    ]


def run_all(jobs: Sequence[Job], at_once: int) -> Iterator[dict[str, Any]]:
    """Yield each job's row, in order; a process a job where more than one runs at once."""
    if at_once == 1:
        yield from map(run, jobs)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(at_once, mp_context=spawn, max_tasks_per_child=1) as pool:
        yield from pool.map(run, jobs)


def merged(rows: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the rows as they are written: those of WIDE once, with what 8 bits give beside."""
    found: dict[str, Any] = {}
    for key, row in rows.items():
        name, bits = key.rsplit("/", 1)
        if name not in WIDE:
            found[key] = row
        elif int(bits) == SIMULATED_AT:
            found[name] = {**row, **found.get(name, {})}
        else:
            found.setdefault(name, {})[f"at_{bits}_bits"] = row
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where something is wrong or a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with models/ and mnist/")
    parser.add_argument("--only", nargs="+", choices=PROBLEMS, metavar="NAME", help=", ".join(PROBLEMS))
    parser.add_argument("--bits", nargs="+", type=int, choices=BITS, default=BITS, help="an activation (both)")
    parser.add_argument("--rtl", type=int, metavar="N", help="at most N samples of each through Verilator; 0: none")
    parser.add_argument("--quick", action="store_true", help="leave SqueezeNet out")
    parser.add_argument(
        "--next-input",
        action="store_true",
        help="receive inputs while others run; rows have the cycles from answer to answer, docs/adr/0039",
    )
    parser.add_argument("--jobs", type=int, default=1, help="rows at a time; they do not depend on it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there, after each one")
    given = parser.parse_args(arguments)
    names = [name for name in given.only or PROBLEMS if not (given.quick and name == "squeezenet")]
    jobs = jobs_of(names, given.bits, given.data, given.rtl, given.next_input)
    rows: dict[str, dict[str, Any]] = {}
    begun = time.monotonic()
    for job, row in zip(jobs, run_all(jobs, given.jobs), strict=True):
        rows[job.key] = row
        print(f"{time.monotonic() - begun:5.0f} s  {job.key}: {row.get('cycles')}", file=sys.stderr, flush=True)
        if given.json:
            given.json.write_text(json.dumps(merged(rows), indent=1) + "\n", encoding="utf-8")
    found = merged(rows)
    print(show(found))
    wrong = faults(found)
    for fault in wrong:
        print(f"wrong: {fault}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
