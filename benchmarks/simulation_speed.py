"""Simulation speed: cycles a second of the 64-PE array in Verilator on one core, and of the cycle model.

    python benchmarks/simulation_speed.py [--json FILE] [--layers NAME...] [--inferences N]

Times are CPU time, so that a busy machine changes them little; start-up (reading the ROM images) is taken out by the
difference of two runs. New weights of the same shape must not rebuild the simulator.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.design import compiled, written
from benchmarks.common.layers import FullyConnected, named, problem
from emcc.eie.groups import cycles
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.runtime.designs import design_of
from emcc.runtime.simulator import drive
from emcc.samples.sampling import by_input
from emcc.tools import verilator
from emcc.tools.rtl import read_rtl

BARS = {"cycles_per_second": 150_000, "model_speedup": 10}


def builds(folders: Sequence[Path]) -> tuple[list[float], int]:
    """Seconds that each design's simulator took, and how many were built, in an empty cache."""
    kept = os.environ.get("EMCC_CACHE")
    seconds = []
    with tempfile.TemporaryDirectory(prefix="emcc-cache-") as cache:
        os.environ["EMCC_CACHE"] = cache
        try:
            for folder in folders:
                begun = time.perf_counter()
                verilator.build(read_rtl(folder))
                seconds.append(time.perf_counter() - begun)
            count = len(list((Path(cache) / "verilator").iterdir()))
        finally:
            if kept is None:
                del os.environ["EMCC_CACHE"]
            else:
                os.environ["EMCC_CACHE"] = kept
    return seconds, count


def simulator_seconds(program: Program, folder: Path, x: Array) -> tuple[float, int]:
    """CPU seconds of one process that simulates all of `x`, and the cycles it simulated, of transfer too."""
    simulator, design = verilator.build(read_rtl(folder)), design_of(program)
    into = design.traffic(by_input(program, x)).into
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = drive(simulator, folder, design.shape, into, jobs=1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.failure:
        raise RuntimeError(ran.failure)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, int(ran.records[:, [0, 3]].sum())


def model_seconds(program: Program, x: Array) -> float:
    """CPU seconds of the cycle model, with the reference model of the layers that give it activations."""
    cycles.count(program, by_input(program, x[:1]))
    begun = time.process_time()
    cycles.count(program, by_input(program, x))
    return time.process_time() - begun


def other_weights(program: Program) -> Program:
    """The same program with other weights and biases in the same places: only ROM contents differ."""
    book = program.codebooks[0].copy()
    book[1:] = book[:0:-1]
    return replace(program, codebooks=(book,), biases=(program.biases[0][::-1].copy(),))


def measure(layer: FullyConnected, inferences: int, options: LowerOptions) -> dict[str, Any]:
    """The speeds on one layer, `inferences` of it."""
    task = problem(layer, "random")
    rng = np.random.default_rng(1)
    x = np.stack([rng.permutation(task.x[0]) for _ in range(inferences + 1)])
    with tempfile.TemporaryDirectory(prefix="emcc-bench-") as scratch:
        folder, other = Path(scratch) / "one", Path(scratch) / "other"
        program = compiled(task.graph, options, folder)
        written(other_weights(program), other)
        seconds, built = builds([folder, other])
        start, first = simulator_seconds(program, folder, x[:1])
        whole, total = simulator_seconds(program, folder, x)
        model = model_seconds(program, x[1:])
    rtl = whole - start
    return {
        "layer": layer.name,
        "pes": options.pes,
        "cycles": total - first,
        "cycles_per_second": round((total - first) / rtl),
        "start_seconds": round(start, 3),
        "model_speedup": round(rtl / model, 1),
        "build_seconds": round(seconds[0], 1),
        "rebuilds": built - 1,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where it is slower than BARS, or a change of ROM contents alone built a simulator anew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--layers", nargs="+", default=["Alex-7", "VGG-7", "NT-We"], metavar="NAME")
    parser.add_argument("--inferences", type=int, default=50, metavar="N")
    parser.add_argument("--pes", type=int, default=64)
    given = parser.parse_args(arguments)
    options = LowerOptions(pes=given.pes, queue_depth=64)
    rows = []
    for layer in named(given.layers):
        rows.append(measure(layer, given.inferences, options))
        print(json.dumps(rows[-1]), flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    slow = any(row[name] < least for row in rows for name, least in BARS.items())
    return int(slow or any(row["rebuilds"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
