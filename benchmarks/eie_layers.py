"""The nine layers of the EIE paper, compiled for 64 PEs and run in Verilator: cycles, utilisation, bits.

    python benchmarks/eie_layers.py --json FILE [--layers NAME...] [--queue N] [--model]

In as many column groups as take fewest cycles. A cycle count is from the start, with the input in its buffer, to the
last write of the output. Needs Verilator and a C++ compiler; with --model the cycle model counts alone.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.design import fastest, written
from benchmarks.common.layers import CASES, FullyConnected, Problem, named, problem
from benchmarks.common.options import lower_options
from emcc.eie import reference
from emcc.eie.groups import cycles
from emcc.eie.options import LowerOptions
from emcc.ir.program import Program
from emcc.ops import interpret
from emcc.runtime.simulate import simulate
from emcc.samples.dataset import Dataset
from emcc.samples.sampling import by_input, format_of

HEAD = (
    "| layer | groups | cycles | paper | ratio | ideal | utilisation | padding zeros | queue stalls | mismatches "
    "| model |"
)


def measure(task: Problem, options: LowerOptions, folder: Path) -> dict[str, Any]:
    """Compile a layer into `folder`, simulate it, and say what came out.

    Mismatches are output integers that differ from the reference model's, and those that differ from the graph's own
    meaning, which knows nothing of slices and PEs.
    """
    begun = time.perf_counter()
    program = fastest(task.graph, options, task.x)
    written(program, folder)
    ended = time.perf_counter()
    inputs = format_of(program, program.inputs[0]).dequantise(task.x).astype(np.float32)
    result = simulate(folder, Dataset(inputs), jobs=1, trust_rtl=True)
    if result.failure:
        raise RuntimeError(f"{task.layer.name}: {result.failure}")
    expected = interpret.run(task.graph, task.x)
    got = format_of(program, program.outputs[0]).quantise(result.outputs.reshape(expected.shape))
    return {
        **_row(task, program, int(result.cycles[0])),
        "queue_stalls": int(result.stalls[0]),
        "mismatches": result.mismatches + int((got != expected).sum()),
        "predicted_cycles": int(result.predicted_cycles[0]),
        "seconds": {
            "lower_and_write": round(ended - begun, 2),
            "build": round(result.build_seconds, 2),
            "run": round(result.run_seconds, 2),
        },
    }


def modelled(task: Problem, options: LowerOptions, _: Path) -> dict[str, Any]:
    """Say what the cycle model and the reference model say of a layer; see `measure`."""
    program = fastest(task.graph, options, task.x)
    counts = cycles.count(program, by_input(program, task.x))
    wrong = int((reference.run(program, task.x) != interpret.run(task.graph, task.x)).sum())
    taken = int(counts.total[0])
    row = _row(task, program, taken)
    return {**row, "queue_stalls": int(counts.stalls[0]), "mismatches": wrong, "predicted_cycles": taken}


def _row(task: Problem, program: Program, taken: int) -> dict[str, Any]:
    ideal = task.ideal(program.pes, program.groups)
    return {
        "name": task.layer.name,
        "groups": program.groups,
        "cycles": taken,
        "paper_cycles": task.layer.paper_cycles,
        "ratio": round(taken / task.layer.paper_cycles, 4),
        "products": task.products,
        "broadcasts": task.broadcasts,
        "ideal": ideal,
        "utilisation": round(ideal / taken, 4),
        "run_bits": program.slices[0].run_w,
        "padding_zeros": program.slices[0].padding,
    }


def run(
    layers: Sequence[FullyConnected],
    cases: Sequence[str],
    options: LowerOptions,
    report: Callable[[str], object] = print,
    measured: Callable[[Problem, LowerOptions, Path], dict[str, Any]] = measure,
) -> dict[str, list[dict[str, Any]]]:
    """A row a case and layer; each is reported as a line of a table when it is there."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for case in cases:
        report(f"\n{case}\n\n{HEAD}\n|{' --- |' * (HEAD.count('|') - 1)}")
        rows[case] = []
        for layer in layers:
            with tempfile.TemporaryDirectory(prefix="emcc-bench-") as scratch:
                rows[case].append(measured(problem(layer, case), options, Path(scratch)))
            report(line(rows[case][-1]))
    return rows


def line(row: Mapping[str, Any]) -> str:
    """A row as a line of a table."""
    cells = [row["name"], str(row["groups"]), f"{row['cycles']:,}", f"{row['paper_cycles']:,}", f"{row['ratio']:.3f}"]
    cells += [f"{row['ideal']:,.0f}", f"{row['utilisation']:.3f}", f"{row['padding_zeros']:,}"]
    cells += [f"{row['queue_stalls']:,}", str(row["mismatches"]), f"{row['predicted_cycles']:,}"]
    return f"| {' | '.join(cells)} |"


def faults(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """What must never be: a wrong output, or a cycle count that the cycle model does not give."""
    wrong = []
    for case, measured in rows.items():
        for row in measured:
            if row["mismatches"]:
                wrong.append(f"{case} {row['name']}: {row['mismatches']} mismatches")
            if row["cycles"] != row["predicted_cycles"]:
                wrong.append(f"{case} {row['name']}: {row['cycles']} cycles, the model says {row['predicted_cycles']}")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where an output or a prediction is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--layers", nargs="+", default=[], metavar="NAME", help="these alone")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--pes", type=int, default=64)
    parser.add_argument("--queue", type=int, default=64, metavar="N", help="activation queue entries a PE (64)")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="other options of lowering")
    parser.add_argument("--model", action="store_true", help="by the cycle model, without Verilator")
    given = parser.parse_args(arguments)
    try:
        layers = named(given.layers)
        options = lower_options(given.set, pes=given.pes, queue_depth=given.queue)
    except ValueError as error:
        parser.error(str(error))
    rows = run(layers, given.cases, options, lambda text: print(text, flush=True), modelled if given.model else measure)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    wrong = faults(rows)
    for fault in wrong:
        print(f"wrong: {fault}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
