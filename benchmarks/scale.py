"""How long, and in how much memory, emcc compresses a transformer of 125 M parameters.

    python benchmarks/scale.py [--layers 12] [--vocabulary 50265] [--json FILE]

A model of RoBERTa-base's shapes with random weights, an ONNX file with external data, is read, pruned to half of its
weights, product quantised (blocks of 8, 256 sub-vectors a layer; what has no such blocks, and the places, by k-means of
8 bits), encoded, written, read back and held against what was written. All of it is one process on two cores; memory is
the most that it was resident, the interpreter and its libraries included. Exits with 1 where a bar is missed: 300
seconds, and 3 times the model's size in memory. The figures are in docs/performance.md.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import roberta
from benchmarks.common.scale import read, timing
from emcc.container import encode
from emcc.ir.blocks import Blocks
from emcc.ir.codebook import chunks
from emcc.ir.graph import Codebook, Graph

CORES, SECONDS, TIMES = 2, 300, 3
SPARSITY = 0.5


def peak() -> int:
    """Bytes: the most that this process was resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def shared(model: Path, steps: dict[str, float], peaks: dict[str, float]) -> Graph:
    """Return the compressed graph of a file; each pass is timed with its check, and nothing holds what it was given."""
    from emcc.compress.magnitude import Prune
    from emcc.compress.product.product import Product
    from emcc.frontend import load
    from emcc.legal.verify import verify
    from emcc.passes.fold import Fold

    graph: Any = None
    passes: dict[str, Any] = {
        "load": lambda _: load(model),
        "fold": Fold().apply,
        "prune": Prune(sparsity=SPARSITY).apply,
        "share": Product().apply,
    }
    for name, step in passes.items():
        with timing(steps, name):
            held, graph = [graph], None
            graph = step(held.pop())
            verify(graph, after="frontend" if name == "load" else name)
        peaks[name] = peak() / 1e6
    return graph


def measured(shapes: roberta.Shapes) -> dict[str, Any]:
    """Return the figures of one model, its file written before the clock starts."""
    steps: dict[str, float] = {}
    peaks: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="emcc-scale-") as scratch:
        model, file = roberta.write(Path(scratch), shapes), Path(scratch, "model.emc")
        peaks["begin"], began = peak() / 1e6, time.process_time()
        graph = shared(model, steps, peaks)
        with timing(steps, "encode"):
            data = encode(graph)
        with timing(steps, "write"):
            file.write_bytes(data)
        peaks["encode"], size = peak() / 1e6, len(data)
        books, blocks = dict(graph.codebooks), dict(graph.blocks)
        del graph, data
        wrong = differences(books, blocks, read(file, steps))
    total = 4 * shapes.parameters()
    return {
        "parameters": shapes.parameters(),
        "float_bytes": total,
        "bytes": size,
        "ratio": total / size,
        "seconds": sum(steps.values()),
        "cpu_seconds": round(time.process_time() - began, 1),
        "steps": {name: round(seconds, 2) for name, seconds in steps.items()},
        "peak_mb": peak() / 1e6,
        "peaks_mb": {name: round(value) for name, value in peaks.items()},
        "peak_ratio": peak() / total,
        "wrong": wrong,
    }


def differences(books: dict[str, Codebook], blocks: dict[str, Blocks], graph: Graph) -> list[str]:
    """Return the weights whose codes, codebook or floats are not exactly those that were encoded."""
    wrong = [
        name for name, own in blocks.items() if name not in graph.blocks or not own.decodes_to(graph.constants[name])
    ]
    for name, own in blocks.items():
        stored = graph.blocks.get(name)
        if stored is None or not (
            np.array_equal(stored.codes, own.codes) and np.array_equal(stored.values, own.values)
        ):
            wrong.append(name)
    for name, book in books.items():
        stored, values = graph.codebooks[name], book.values.astype(np.float32)
        pairs = zip(chunks(book.codes), chunks(graph.constants[name]), strict=True)
        same = np.array_equal(stored.codes, book.codes) and np.array_equal(stored.values, book.values)
        if not (same and all(np.array_equal(values[codes], floats) for codes, floats in pairs)):
            wrong.append(name)
    return sorted(set(wrong))


def missed(found: dict[str, Any]) -> list[str]:
    """Return what is over its bar, or not what was written."""
    faults = [f"{name} is not what was written" for name in found["wrong"]]
    if found["seconds"] > SECONDS:
        faults.append(f"{found['seconds']:.0f} seconds, not at most {SECONDS}")
    if found["peak_ratio"] > TIMES:
        faults.append(f"{found['peak_ratio']:.2f} times the model's size in memory, not at most {TIMES}")
    return faults


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=roberta.LAYERS)
    parser.add_argument("--vocabulary", type=int, default=roberta.VOCABULARY)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.run:
        print(json.dumps(measured(roberta.Shapes(given.layers, given.vocabulary))))
        return 0
    command = [sys.executable, __file__, "--run", "--layers", str(given.layers), "--vocabulary", str(given.vocabulary)]
    threads = {f"{name}_NUM_THREADS": str(CORES) for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    done = subprocess.run(
        command,
        env={**os.environ, **threads},
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    found: dict[str, Any] = json.loads(done.stdout)
    print(json.dumps(found, indent=1))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    faults = missed(found)
    for fault in faults:
        print(f"missed: {fault}", file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
