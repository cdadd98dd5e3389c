"""Where the cycles come from: what saves them, switched off one by one, on the nine layers and on LeNet-300-100.

    python benchmarks/ablation.py [--json FILE] [--layers NAME...] [--case unbalanced]

Cycles are the cycle model's, which is exact with every switch (tests/sim, tests/unit/eie). Columns are active unequally
often: activation j is not zero with a probability of its own, which lowering knows.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.layers import CASES, SEED, FullyConnected, Problem, named, problem
from benchmarks.common.networks import LENET_300_100, quantised
from emcc.compress.magnitude import balanced
from emcc.eie import cycles
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Graph

BASE = LowerOptions(pes=64, queue_depth=64)
OFF: Mapping[str, LowerOptions] = {
    "everything on": BASE,
    "4-bit runs": replace(BASE, run_bits=4),
    "empty columns queued": replace(BASE, drop_empty=False),
    "queue of 16": replace(BASE, queue_depth=16),
    "queue of 32": replace(BASE, queue_depth=32),
    "queue of 128": replace(BASE, queue_depth=128),
    "rows dealt in turn": replace(BASE, balance="none"),
    "balanced by entries": replace(BASE, balance="entries"),
    "no overlap with the drain": replace(BASE, overlap=False),
    "no LNZD prefetch": replace(BASE, prefetch=False),
}
SAMPLES = 8
SPREAD = 1.0


def activations(task: Problem) -> tuple[Array, Array]:
    """How often each activation is not zero (log-normal about the layer's density), and SAMPLES vectors of them."""
    layer = task.layer
    rng = np.random.default_rng([SEED, layer.inputs, layer.outputs])
    often = np.exp(rng.normal(0, SPREAD, layer.inputs))
    low, high = 0.0, 1e6
    for _ in range(60):
        low, high = (
            (low, (low + high) / 2) if _mean(often, (low + high) / 2) > layer.act_density else ((low + high) / 2, high)
        )
    chance = np.minimum(often * high, 1)
    return chance, (rng.random((SAMPLES, layer.inputs)) < chance).astype(np.int64)


def _mean(often: Array, scale: float) -> float:
    return float(np.minimum(often * scale, 1).mean())


def pruned(task: Problem, groups: int) -> Graph:
    """The layer pruned from dense weights whose rows differ in size, `groups` groups of rows alike (0: none)."""
    layer = task.layer
    rng = np.random.default_rng([SEED, layer.inputs])
    weights = rng.normal(0, 1, (layer.outputs, layer.inputs)).astype(np.float32)
    weights *= np.exp(rng.normal(0, 0.25, (layer.outputs, 1))).astype(np.float32)
    count = round(weights.size * (1 - layer.weight_density))
    codes = (balanced(weights, count, max(1, groups)) != 0).astype(np.uint8)
    codes *= rng.integers(1, 16, codes.shape, np.uint8)
    return replace(task.graph, constants={**task.graph.constants, "codes": codes})


def of_layer(layer: FullyConnected, case: str) -> dict[str, float]:
    """Mean cycles of a layer by what is switched off."""
    task = problem(layer, case)
    chance, x = activations(task)
    cycles_of = {name: _cycles(task.graph, options, x, {"x": chance}) for name, options in OFF.items()}
    plain = replace(BASE, balance="none")
    cycles_of["pruned, dealt in turn"] = _cycles(pruned(task, 0), plain, x)
    cycles_of["pruned evenly over PEs, dealt in turn"] = _cycles(pruned(task, BASE.pes), plain, x)
    cycles_of["pruned, rows balanced"] = _cycles(pruned(task, 0), BASE, x, {"x": chance})
    return cycles_of


def of_lenet() -> dict[str, float]:
    """Mean cycles of LeNet-300-100, three layers in a row, by what is switched off."""
    rng = np.random.default_rng(SEED)
    x = rng.integers(1, 256, (SAMPLES, LENET_300_100.sizes[0])) * (rng.random((SAMPLES, LENET_300_100.sizes[0])) < 0.2)
    graph = quantised(LENET_300_100)
    return {name: _cycles(graph, options, x) for name, options in OFF.items()}


def _cycles(graph: Graph, options: LowerOptions, x: Array, activity: Mapping[str, Array] | None = None) -> float:
    return float(cycles.predict(lower(graph, options, activity), x).mean())


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Cycles with everything on; for the others, how many per cent more."""
    names = list(rows)
    lines = [f"| | {' | '.join(names)} |", "|" + " --- |" * (len(names) + 1)]
    for off in next(iter(rows.values())):
        cells = []
        for name in names:
            base, count = rows[name]["everything on"], rows[name].get(off)
            if count is None:
                cells.append("")
            elif off == "everything on" or off.startswith("pruned"):
                cells.append(f"{count:,.0f}")
            else:
                cells.append(f"{100 * (count / base - 1):+.1f} %")
        lines.append(f"| {off} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the cycles there")
    parser.add_argument("--layers", nargs="+", default=[], metavar="NAME", help="these alone")
    parser.add_argument("--case", default="unbalanced", choices=CASES)
    given = parser.parse_args(arguments)
    rows: dict[str, dict[str, Any]] = {}
    for layer in named(given.layers):
        rows[layer.name] = of_layer(layer, given.case)
        print(f"{layer.name}: {rows[layer.name]['everything on']:,.0f} cycles", file=sys.stderr, flush=True)
    rows[LENET_300_100.name] = of_lenet()
    print(table(rows))
    if given.json:
        given.json.write_text(json.dumps({"case": given.case, "cycles": rows}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
