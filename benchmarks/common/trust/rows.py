"""A row: one data set, one mode, through the command line, judged on samples that emcc never saw."""

import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.trust import command, network
from benchmarks.common.trust.problems import PROBLEMS, Problem, Split, split
from benchmarks.common.trust.quality import Paired, accuracies, explained
from emcc.ir.graph import Array

MODES: dict[str, tuple[str, ...]] = {"default": (), "keep": ("--keep-weights",), "max_drop": ("--max-drop", "1")}
GOAL = 1.0
PES = "8"


@dataclass(frozen=True)
class Job:
    """One data set and one split of it.

    Attributes:
        seed: of the split and the float network; modes: of MODES; rtl: whether Verilator runs the test set too.
        few: whether emcc trains as little as it can.
    """

    name: str
    seed: int
    modes: tuple[str, ...]
    rtl: bool = False
    few: bool = False


def run(job: Job, folder: Path) -> list[dict[str, Any]]:
    """Train, write model.onnx, train.npz and test.npz into a folder, and return a row a mode."""
    problem = PROBLEMS[job.name]
    parts = split(problem.load(), job.seed)
    model = network.export(problem, network.train(problem, parts.train, job.seed), job.name)
    (folder / "model.onnx").write_bytes(model)
    np.savez(folder / "train.npz", x=parts.train[0], y=parts.train[1])
    np.savez(folder / "test.npz", x=parts.test[0])
    before = float_outputs(model, parts.test[0])
    return [_row(job, mode, problem, parts, before, folder) for mode in job.modes]


def float_outputs(model: bytes, x: Array) -> Array:
    """Return the float model's outputs, by onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0], np.float64)


def _row(job: Job, mode: str, problem: Problem, parts: Split, before: Array, folder: Path) -> dict[str, Any]:
    """Return the row of a mode; with "error", and nothing after the split, where emcc does not get through."""
    row: dict[str, Any] = {
        "data": job.name,
        "mode": mode,
        "metric": "accuracy" if problem.classifies else "explained variance",
        "seed": job.seed,
        "trained": len(parts.train[0]),
        "tested": len(parts.test[0]),
        "before": rounded(_compared(problem, before, before, parts)[0].before),
    }
    options = [*MODES[mode], *(command.few_steps(folder) if job.few else ())]
    arguments = ["compile", "model.onnx", "--data", "train.npz", "--pes", PES, "--out", mode, *options]
    try:
        done = command.emcc(arguments, folder)
        if done.returncode:
            return {**row, "error": command.failure(done)}
        after = command.outputs(folder / mode, folder / "test.npz").reshape(before.shape)
        manifest = json.loads((folder / mode / "emcc.json").read_text("utf-8"))
        row |= judged(_compared(problem, before, after, parts))
        row |= {"warned": command.warned(done.stdout, manifest), **cost(manifest), "mismatches": None}
        return {**row, **_simulated(folder, mode)} if job.rtl else row
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return {**row, "error": str(error)[:400]}


def _compared(problem: Problem, before: Array, after: Array, parts: Split) -> list[Paired]:
    """Return the figure that decides and, of a regression of several outputs, each output's."""
    if problem.classifies:
        return [accuracies(before, after, parts.test[1])]
    every = explained(before, after, parts.test[1])
    return every if len(every) > 2 else every[:1]


def judged(every: list[Paired]) -> dict[str, Any]:
    """Return before, after, loss, interval, least; "breaks", the promise's rule; "worst": the output that lost most."""
    whole, *parts = every
    # What is not a number compares with nothing, and breaks the promise.
    row: dict[str, Any] = {**_figures(whole), "breaks": not all(part.least <= GOAL for part in every)}
    if parts:
        place = max(range(len(parts)), key=lambda index: _loss(parts[index]))
        row["worst"] = {"output": place, **_figures(parts[place])}
    return row


def _loss(paired: Paired) -> float:
    return paired.loss if math.isfinite(paired.loss) else math.inf


def _figures(paired: Paired) -> dict[str, Any]:
    names = ("before", "after", "loss", "interval", "least")
    return {name: rounded(getattr(paired, name)) for name in names}


def rounded(value: float) -> float | None:
    """Return a figure as JSON has it: six significant digits, None where it is not finite."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def cost(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return kept (a share of the weights), cycles (the cycle model's mean over training samples) and bytes."""
    total = manifest["totals"]
    return {"kept": total["density"], "cycles": total["cycles"]["mean"], "bytes": total["bytes"]}


def _simulated(folder: Path, mode: str) -> dict[str, Any]:
    """Return what Verilator found on the test set."""
    found = command.simulated(folder / mode, folder / "test.npz", folder / f"{mode}.json")
    row = {"mismatches": found["mismatches"], "rtl_cycles": found["mean_cycles"]}
    return row if found["ok"] or found["mismatches"] else {**row, "error": found["failure"] or "cycles differ"}
