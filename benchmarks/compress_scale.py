"""How long, and in how much memory, emcc compresses a VGG-16; its k-means beside scikit-learn's on 10 M weights.

    python benchmarks/compress_scale.py [--json FILE] [--parts model kmeans]

Every part is a process of its own, on two cores, that says what it took; memory is the most that it was resident,
the interpreter and its libraries included. Exits with 1 where a bar is missed.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.scale import compressed, differences, read, timing, written
from benchmarks.common.vgg16 import PARAMETERS, vgg16

CORES = 2
WEIGHTS, CLUSTERS = 10_000_000, 16
BARS: Mapping[str, tuple[str, float]] = {
    "seconds": ("at most", 90),
    "peak_ratio": ("at most", 3),
    "kmeans_speedup": ("at least", 20),
    "kmeans_inertia_ratio": ("at most", 1),
    "encode_mb_s": ("at least", 100),
    "decode_mb_s": ("at least", 100),
}
FIGURES = {
    "model": ("seconds", "peak_ratio", "encode_mb_s", "decode_mb_s", "wrong"),
    "kmeans": ("kmeans_speedup", "kmeans_inertia_ratio"),
}


def peak_mb() -> float:
    """The most that this process was resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def idle_part() -> dict[str, Any]:
    """What the interpreter takes with the libraries that the others load."""

    return {"peak_mb": peak_mb()}


def model_part() -> dict[str, Any]:
    """Prune, share, encode, write, read and decode.

    Making the weights is not counted, holding them is. "load" is all of it on a model of a 64th of the size, which
    compiles what has to be compiled, or loads it where it has been kept; it counts in `seconds`.
    """
    steps: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="emcc-bench-") as scratch:
        file = Path(scratch, "model.emc")
        with timing(steps, "load"):
            written(compressed(lambda: vgg16(narrower=8), {}), file, {})
            read(file, {})
        books = written(compressed(vgg16, steps), file, steps)
        size = file.stat().st_size
        wrong = differences(books, read(file, steps))
    megabytes = PARAMETERS * 4 / 1e6
    return {
        "seconds": sum(steps.values()),
        "steps": steps,
        "bytes": size,
        "ratio": PARAMETERS * 4 / size,
        "wrong": wrong,
        "peak_mb": peak_mb(),
        "peak_ratio": peak_mb() / megabytes,
        "encode_mb_s": megabytes / steps["encode"],
        "decode_mb_s": megabytes / steps["decode"],
    }


def kmeans_part() -> dict[str, Any]:
    """Centroids and labels of the same weights, by both. Ours is the median of three, after a first that loads code.

    scikit-learn runs until no label changes (tol 0), and once more with its default tolerance, where it stops early.
    """
    from sklearn.cluster import KMeans

    from emcc.compress.clusters.points import nearest, optimal_of_many

    weights = np.random.default_rng(0).standard_normal(WEIGHTS, np.float32) * np.float32(0.05)

    def ours() -> tuple[np.ndarray, np.ndarray]:
        centroids = optimal_of_many(weights, CLUSTERS, max_iter=1000)
        return centroids, nearest(weights, centroids)

    timed = [_timed(ours) for _ in range(4)]
    centroids, labels = timed[0][1]
    begin = np.linspace(weights.min(), weights.max(), CLUSTERS, dtype=np.float32)[:, None]
    early, _ = _timed(lambda: KMeans(CLUSTERS, init=begin, n_init=1, max_iter=100_000).fit(weights[:, None]))
    model = KMeans(CLUSTERS, init=begin, n_init=1, max_iter=100_000, tol=0)
    theirs, _ = _timed(lambda: model.fit(weights[:, None]))
    seconds = float(np.median([seconds for seconds, _ in timed[1:]]))
    inertia = _inertia(weights, centroids, labels)
    other = _inertia(weights, model.cluster_centers_[:, 0].astype(np.float64), model.labels_)
    return {
        "kmeans_speedup": theirs / seconds,
        "kmeans_inertia_ratio": inertia / other,
        "seconds": seconds,
        "first_seconds": timed[0][0],
        "sklearn_seconds": theirs,
        "sklearn_default_tolerance_seconds": early,
        "sklearn_iterations": int(model.n_iter_),
        "inertia": inertia,
        "sklearn_inertia": other,
    }


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = call()
    return time.perf_counter() - begun, result


def _inertia(weights: np.ndarray, centroids: np.ndarray, labels: np.ndarray) -> float:
    return float(np.sum(np.square(weights - centroids[labels])))


PARTS = {"idle": idle_part, "model": model_part, "kmeans": kmeans_part}


def in_child(part: str) -> dict[str, Any]:
    """The part's result, from a process of its own that has CORES cores."""
    threads = {f"{name}_NUM_THREADS": str(CORES) for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    done = subprocess.run(
        [sys.executable, __file__, "--run", part],
        env={**os.environ, **threads},
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def missed(result: Mapping[str, Any]) -> list[str]:
    """The bars that `result` misses."""
    faults = [
        f"{name} is {result[name]:.4g}, not {kind} {bar}"
        for name, (kind, bar) in BARS.items()
        if name in result and (result[name] > bar if kind == "at most" else result[name] < bar)
    ]
    return faults + [f"{name} is not what was written" for name in result.get("wrong", [])]


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--parts", nargs="+", default=["model", "kmeans"], choices=["model", "kmeans"])
    parser.add_argument("--run", choices=PARTS, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.run:
        print(json.dumps(PARTS[given.run]()))
        return 0
    details = {part: in_child(part) for part in ["idle", *given.parts]}
    result = {name: details[part][name] for part in given.parts for name in FIGURES[part]}
    print(json.dumps(details, indent=1), flush=True)
    wrong = missed(result)
    for name, (kind, bar) in BARS.items():
        if name in result:
            print(f"{name:22} {result[name]:12.6g}   {kind} {bar}")
    if given.json:
        given.json.write_text(json.dumps({**result, "details": details}, indent=1) + "\n", encoding="utf-8")
    for fault in wrong:
        print(f"missed: {fault}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
