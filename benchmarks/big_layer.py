"""VGG-6 (25088 x 4096, 4 % of 103 million weights kept): lowered, packed and written; time and memory.

    python benchmarks/big_layer.py [--json FILE] [--layer NAME]

Memory is the process's peak, so what the benchmark itself holds (the dense matrix of codes) is in it.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.layers import FullyConnected, named, problem
from emcc.backends import rom, verilog
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import save_program
from emcc.files.artefact import Artefact


def peak() -> float:
    """GB of memory this process has held at once so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def measure(layer: FullyConnected, options: LowerOptions) -> dict[str, Any]:
    """Seconds (wall) of each step, and peak memory before and after."""
    task = problem(layer, "random")
    before, clock = peak(), [time.perf_counter()]
    with tempfile.TemporaryDirectory(prefix="emcc-bench-") as scratch:
        program = lower(task.graph, options)
        clock.append(time.perf_counter())
        files = rom.render(rom.core_images(program), "hex")
        clock.append(time.perf_counter())
        files = {"program.npz": save_program(program), **verilog.render_core(program), **files}
        clock.append(time.perf_counter())
        Artefact(files).write(Path(scratch) / "out", marker="program.npz")
        clock.append(time.perf_counter())
    steps = ("lower", "rom_images", "store", "write")
    return {
        "name": layer.name,
        "pes": options.pes,
        "weights": layer.inputs * layer.outputs,
        "kept": program.slices[0].entries - program.slices[0].padding,
        "bytes_written": sum(map(len, files.values())),
        "seconds": {step: round(clock[i + 1] - clock[i], 2) for i, step in enumerate(steps)},
        "total_seconds": round(clock[-1] - clock[0], 2),
        "peak_gb_before": round(before, 2),
        "peak_gb": round(peak(), 2),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--layer", default="VGG-6", metavar="NAME")
    parser.add_argument("--pes", type=int, default=64)
    given = parser.parse_args(arguments)
    row = measure(named([given.layer])[0], LowerOptions(pes=given.pes, queue_depth=64))
    print(json.dumps(row, indent=1))
    if given.json:
        given.json.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
