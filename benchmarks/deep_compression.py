"""LeNet-300-100 and LeNet-5 against the tables of Han et al., "Deep Compression" (ICLR 2016).

    python benchmarks/deep_compression.py --data ../shared/data/mnist [--seeds 3] [--jobs 2] [--json FILE] [--quick]

Trains each network from scratch on MNIST, compresses it with `emcc compress --target-size`, and measures model.emc
itself: its size on disk against float32 weights and biases, and the error on MNIST's test set of what is decoded from
it. Every network twice: with augmentation and distillation (of the network before compression), and "plain", with
neither. Plain training has dropout instead (of hidden activations, and of inputs in LeNet-300-100), before compression
and in it.

The test set decides nothing in a run: a tenth of the training set is held out for `emcc compress` to decide by. Efforts
are to be chosen with --validate, which trains on the first 50,000 training images and measures on the last 10,000 of
them. docs/compression.md says which of EFFORTS were.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import lenet, mnist

HEAD = ("layer", "weights", "kept", "code bits", "coded", "run bits", "coded", "size", "of float32")
PAPER = {
    "lenet300100": [
        ("ip1", "235K", "8 %", "6", "4.4", "5", "3.7", "", "2.32 %"),
        ("ip2", "30K", "9 %", "6", "4.4", "5", "4.3", "", "3.04 %"),
        ("ip3", "1K", "26 %", "6", "4.3", "5", "3.2", "", "12.70 %"),
        ("total", "266K", "8 %", "6", "5.1", "5", "3.7", "27 kB", "2.49 % (40x)"),
    ],
    "lenet5": [
        ("conv1", "0.5K", "66 %", "8", "7.2", "5", "1.5", "", "67.45 %"),
        ("conv2", "25K", "12 %", "8", "7.2", "5", "3.9", "", "5.28 %"),
        ("ip1", "400K", "8 %", "5", "4.5", "5", "4.5", "", "2.45 %"),
        ("ip2", "5K", "19 %", "5", "5.2", "5", "3.7", "", "6.13 %"),
        ("total", "431K", "8 %", "5.3", "4.1", "5", "4.4", "44 kB", "2.55 % (39x)"),
    ],
}
"""Tables 2 and 3 of the paper; sizes from its table 1."""

PAPER_ERROR = {"lenet300100": (1.64, 1.58), "lenet5": (0.80, 0.74)}
"""Percent, before and after, from its table 1."""


@dataclass(frozen=True)
class Effort:
    """How one network is trained and compressed.

    Attributes:
        epochs: of training from scratch; size: bytes that model.emc may have; search: emcc's [search].
        minutes: what it takes, about, on one thread.
        base: more arguments of lenet.train.
    """

    epochs: int
    size: int
    search: dict[str, Any]
    minutes: int
    base: dict[str, float] = field(default_factory=dict)


VALIDATION = 50_000
"""Training images before the ones that --validate measures on."""

HELPED = {"augment": "warp", "distil": 0.7}
PLAIN = {"augment": "none", "distil": 0.0}
DROPOUT = {"dropout": 0.15, "input_dropout": 0.15}
EFFORTS = {
    ("lenet300100", False): Effort(
        22, 7_200, {"epochs": 14, "settle": 6, "code_epochs": 4, "shared_epochs": 3}, minutes=3
    ),
    ("lenet300100", True): Effort(
        25,
        17_600,
        {"epochs": 36, "settle": 12, "code_epochs": 6, "shared_epochs": 4, "score": "lamp", **DROPOUT},
        4,
        DROPOUT,
    ),
    ("lenet5", False): Effort(
        12,
        8_600,
        {"epochs": 8, "settle": 5, "code_epochs": 6, "shared_epochs": 3},
        minutes=19,
    ),
    ("lenet5", True): Effort(
        10,
        17_000,
        {"epochs": 10, "settle": 5, "code_epochs": 6, "shared_epochs": 3, "dropout": 0.3},
        22,
        {"dropout": 0.3},
    ),
}
"""By network and whether it is plain."""

SMALLEST = {
    "lenet300100": (6_260, {"epochs": 32, "settle": 12, "code_epochs": 8, "shared_epochs": 6}),
    "lenet5": (7_150, {"epochs": 14, "settle": 8, "code_epochs": 8, "shared_epochs": 6}),
}
"""Of `benchmarks/methods.py --best`: bytes, and changes of the [search] of that row of EFFORTS."""


@dataclass(frozen=True)
class Result:
    """One network of one seed. Errors in percent of the test set."""

    before: float
    error: float
    manifest: dict[str, Any]
    compressed: bytes = b""
    """The ONNX file that onnxruntime runs."""

    @property
    def bytes(self) -> int:
        """Of model.emc."""
        return int(self.manifest["totals"]["bytes"])


@dataclass(frozen=True)
class Job:
    """One network of one seed, to be run by a process of its own; `validate` and `quick` as in the arguments.

    smallest: the row of SMALLEST changes its effort.
    """

    kind: str
    plain: bool
    seed: int
    data: Path
    threads: int
    validate: bool = False
    quick: bool = False
    smallest: bool = False

    def __str__(self) -> str:
        return f"{self.kind} seed {self.seed}{' plain' if self.plain else ''}"

    @property
    def effort(self) -> Effort:
        """Its row of EFFORTS."""
        effort = EFFORTS[self.kind, self.plain]
        size, search = SMALLEST[self.kind] if self.smallest else (effort.size, {})
        return replace(effort, size=size, search={**effort.search, **search})

    def images(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """((x, y) to train on, (x, y) to measure on)."""
        x, y = mnist.read(self.data, "train")
        judge = (x[VALIDATION:], y[VALIDATION:]) if self.validate else mnist.read(self.data, "test")
        most = 6000 if self.quick else VALIDATION if self.validate else len(x)
        return (x[:most], y[:most]), judge


def run(job: Job) -> Result:
    """Trains, compresses, measures."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = _run(job, Path(folder))
    print(
        f"{job}: {result.bytes:,} bytes, error {result.before:.2f} % -> {result.error:.2f} % "
        f"({time.monotonic() - begun:.0f} s)",
        file=sys.stderr,
        flush=True,
    )
    return result


def _run(job: Job, folder: Path) -> Result:
    from emcc.compress.search.goal import Goal
    from emcc.driver.compress import compress_model
    from emcc.driver.request import CompressOptions

    effort, helped = job.effort, PLAIN if job.plain else HELPED
    (x, y), judge = job.images()
    weights = lenet.train(
        job.kind,
        x,
        y,
        seed=job.seed,
        epochs=effort.epochs,
        augment=str(helped["augment"]),
        threads=job.threads,
        say=lambda line: print(f"{job}: {line}", file=sys.stderr, flush=True),
        **effort.base,
    )
    model, data, recipe = folder / f"{job.kind}.onnx", folder / "train.npz", folder / "recipe.toml"
    model.write_bytes(lenet.export(job.kind, weights))
    np.savez(data, x=x, y=y)
    options = {**effort.search, **helped, "seed": job.seed, "threads": job.threads}
    recipe.write_text("[search]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items()))

    def tell(event: Any) -> None:
        text = event if isinstance(event, str) else f"{event.stage}, {event.done} of {event.total}: {event.loss:.4f}"
        print(f"{job}: {text}", file=sys.stderr, flush=True)

    artefact = compress_model(CompressOptions(model, data, Goal(target_size=effort.size), recipe), tell)
    errors = error_of_onnx(model, *judge), error_of_emc(artefact.files["model.emc"], *judge)
    return Result(*errors, artefact.manifest, artefact.files["compressed.onnx"])


def error_of_onnx(model: Path, x: np.ndarray, y: np.ndarray) -> float:
    """Percent, run by onnxruntime."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    (logits,) = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    return 100 * float(np.mean(logits.argmax(axis=1) != y))


def error_of_emc(data: bytes, x: np.ndarray, y: np.ndarray) -> float:
    """Percent, of the model as model.emc has it: in integers where it holds integers throughout."""
    from emcc.container import decode
    from emcc.ops.interpret import answers

    graph = decode(data)
    wrong = sum(
        int(np.sum(answers(graph, x[i : i + 1000]).argmax(axis=1) != y[i : i + 1000])) for i in range(0, len(y), 1000)
    )
    return 100 * wrong / len(y)


def ours(result: Result) -> list[tuple[str, ...]]:
    """The paper's rows for a result."""
    rows = [
        (
            row["name"],
            f"{row['weights'] / 1000:.1f}K",
            f"{row['density']:.1%}",
            str(row["code_bits"]),
            f"{row['code_bits_coded']:.2f}",
            str(row["run_bits"]),
            f"{row['run_bits_coded']:.2f}",
            f"{row['bytes']:,} B",
            f"{row['bytes'] / 4 / (row['weights'] + row['biases']):.2%}",
        )
        for row in result.manifest["layers"]
    ]
    total = result.manifest["totals"]
    kept = sum(row["kept"] for row in result.manifest["layers"])
    bits = [sum(row[key] * row["kept"] for row in result.manifest["layers"]) / kept for key in _CODED]
    share = total["bytes"] / total["dense_bytes"]
    return [
        *rows,
        (
            "total",
            f"{total['weights'] / 1000:.1f}K",
            f"{kept / total['weights']:.1%}",
            "",
            f"{bits[0]:.2f}",
            "",
            f"{bits[1]:.2f}",
            f"{total['bytes']:,} B",
            f"{share:.2%} ({1 / share:.0f}x)",
        ),
    ]


_CODED = ("code_bits_coded", "run_bits_coded")


def show(kind: str, results: list[Result], plain: list[Result]) -> None:
    """The two tables, and the errors."""
    out = Console(width=120, highlight=False)
    for title, rows in (
        (f"{kind}: Han et al. 2016", PAPER[kind]),
        (f"{kind}: emcc, seed 0, augmented and distilled", ours(results[0])),
        (f"{kind}: emcc, seed 0, plain", ours(plain[0])),
    ):
        table = Table(title=title, title_justify="left")
        for place, name in enumerate(HEAD):
            table.add_column(name, justify="left" if place == 0 else "right")
        for row in rows:
            table.add_row(*map(Text, row))
        out.print(table)
    before, after = PAPER_ERROR[kind]
    print(f"Han et al. 2016:             error {before:.2f} % -> {after:.2f} %")
    for name, group in (("augmented and distilled", results), ("plain (neither)", plain)):
        errors = ", ".join(f"{result.before:.2f} -> {result.error:.2f}" for result in group)
        mean = figures(kind, group)
        print(
            f"emcc, {name + ':':24} error {mean['error_before']:.2f} % -> {mean['error']:.2f} % "
            f"(each seed: {errors}), {mean['bytes']:,.0f} bytes, {mean['ratio']:.1f}x"
        )


def figures(kind: str, results: list[Result]) -> dict[str, float]:
    """Means over the seeds."""
    size = float(np.mean([result.bytes for result in results]))
    return {
        "ratio": 4 * lenet.parameters(kind) / size,
        "bytes": size,
        "error_before": float(np.mean([result.before for result in results])),
        "error": float(np.mean([result.error for result in results])),
    }


def main() -> None:
    """Both networks, all seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of MNIST's idx.gz files")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--jobs", type=int, default=1, help="seeds at a time; results do not depend on it")
    parser.add_argument("--threads", type=int, default=1, help="of each; the last bits of results depend on it")
    parser.add_argument("--only", choices=sorted(PAPER), help="one of the networks")
    parser.add_argument("--validate", action="store_true", help="measure on 10,000 training images; see above")
    parser.add_argument("--quick", action="store_true", help="6,000 samples: shows that it runs, not what it reaches")
    arguments = parser.parse_args()
    begun = time.monotonic()
    shared = (arguments.data, arguments.threads, arguments.validate, arguments.quick)
    kinds = [arguments.only] if arguments.only else list(PAPER)
    jobs = [
        Job(kind, plain, seed, *shared) for kind in kinds for plain in (False, True) for seed in range(arguments.seeds)
    ]
    results = run_all(jobs, arguments.jobs)
    measured: dict[str, Any] = {}
    for kind in kinds:
        helped, plain = (
            [results[job] for job in jobs if (job.kind, job.plain) == (kind, without)] for without in (False, True)
        )
        show(kind, helped, plain)
        measured[kind] = {
            **figures(kind, helped),
            "augmentation": True,
            "distillation": True,
            "plain": figures(kind, plain),
        }
    print(f"took {(time.monotonic() - begun) / 60:.0f} minutes, {arguments.jobs} at a time")
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=1) + "\n")


def run_all(jobs: list[Job], at_once: int) -> dict[Job, Result]:
    """Every job in a process of its own, the longest first."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(jobs[0].threads)
    spawn = multiprocessing.get_context("spawn")
    order = sorted(jobs, key=lambda job: -job.effort.minutes)
    with ProcessPoolExecutor(at_once, mp_context=spawn, max_tasks_per_child=1) as pool:
        return dict(zip(order, pool.map(run, order), strict=True))


if __name__ == "__main__":
    main()
