"""A network compiled with its weights kept, simulated, and judged beside the file's own floats: one row."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.cnn.limits import limits, reason
from benchmarks.common.cnn.problems import PROBLEMS, Problem
from emcc.eie.groups.schedule import plan as planned
from emcc.eie.store import load_program
from emcc.ir.program import Program, Step
from emcc.runtime.simulate import simulate
from emcc.samples.dataset import Dataset

LOW = 0.75
"""Utilisation below which a layer has a reason."""


@dataclass(frozen=True)
class Job:
    """A network at a number of bits an activation; `rtl`: samples in Verilator at most, 0 leaves it out.

    With `next_input` an input is received while the one before runs; its row has the cycles from answer to answer.
    """

    name: str
    bits: int
    data: Path
    rtl: int | None = None
    next_input: bool = False

    @property
    def key(self) -> str:
        """Its name among the results."""
        return f"{self.name}/{self.bits}"


def run(job: Job) -> dict[str, Any]:
    """Compile, simulate and judge."""
    import emcc

    problem = PROBLEMS[job.name](job.data)
    recipe = {"calibrate": {"bits": job.bits}, "lower": {"groups": problem.groups, "next_input": job.next_input}}
    artefact = emcc.compile(problem.model, data=problem.seen, keep_weights=True, pes=problem.pes, recipe=recipe)
    count = problem.rtl if job.rtl is None else min(problem.rtl, job.rtl)
    row = {"bits": job.bits, "pes": problem.pes, **_sizes(artefact.manifest)}
    if job.next_input:
        row["between"] = round(artefact.manifest["totals"]["throughput"]["cycles"])
    if count:
        with tempfile.TemporaryDirectory(prefix="emcc-cnn-") as folder:
            row |= _simulated(artefact.write(Path(folder) / "artefact"), problem.x[:count])
    return row | _judged(problem, artefact)


def _sizes(manifest: Any) -> dict[str, Any]:
    totals = manifest["totals"]
    pes = manifest["options"]["passes"]["lower"]["pes"]
    sizes = {key: totals[key] for key in ("weights", "kept", "bytes")}
    return {**sizes, "dense": round(sum(map(_products, manifest["layers"], [pes] * len(manifest["layers"]))) / pes)}


def _products(layer: Any, pes: int) -> int:
    """Return the products of a layer with every weight and activation: no PE of a dense array ever waits."""
    positions = layer["dense_cycles"] // (-(-layer["rows"] // pes) * layer["columns"])
    return int(layer["weights"] * positions)


def _simulated(folder: Path, x: np.ndarray) -> dict[str, Any]:
    """Return what Verilator gives; cycles are the mean of the samples."""
    program = load_program(folder / "program.npz")
    ran = simulate(folder, Dataset(x), jobs=1)
    if ran.failure:
        raise RuntimeError(ran.failure)
    cycles = ran.step_cycles.mean(axis=0)
    ideal = ran.step_products.mean(axis=0) / program.pes
    return {
        "groups": program.groups,
        "simulated": len(x),
        "cycles": round(float(ran.cycles.mean())),
        "predicted": round(float(ran.predicted_cycles.mean())),
        "transfer": round(float(ran.transfer.mean())),
        **({"between_simulated": ran.between.tolist()} if ran.between.size else {}),
        "mismatches": ran.mismatches,
        "cycle_mismatches": ran.cycle_mismatches,
        "ideal": round(float(ideal.sum())),
        "layers": _layers(program, x, cycles, ideal),
    }


def _layers(program: Program, x: np.ndarray, cycles: np.ndarray, ideal: np.ndarray) -> list[dict[str, Any]]:
    bounds = limits(program, planned(program), x[:1])
    layers = []
    for place, step in enumerate(program.steps):
        used = ideal[place] / cycles[place] if cycles[place] else 0.0
        row = {
            "name": step.name,
            "kind": kind(step),
            "cycles": round(float(cycles[place])),
            "ideal": round(float(ideal[place])),
            "utilisation": round(float(used), 3),
        }
        if used < LOW:
            row["reason"] = reason(step, float(cycles[place]), bounds[place])
        layers.append(row)
    return layers


def kind(step: Step) -> str:
    """Say what a step is, in two words."""
    window = "x".join(map(str, step.window.kernel))
    if step.kind == "broadcast":
        return f"matrix {window}"
    if step.combine == "mac" and step.codes >= 0 and len(step.sources) == 1:
        return f"depthwise {window}"
    if step.combine == "mac" and step.window.taps > 1:
        return f"mean {window}"
    return {"max": f"max {window}", "mul": "product"}.get(step.combine, "sum")


def _judged(problem: Problem, artefact: Any) -> dict[str, Any]:
    """Return how good the reference's answers are, beside onnxruntime's on the file."""
    ours, floats = artefact.predict(problem.x), _floats(problem.model, problem.x)
    ours = ours.reshape(floats.shape)
    row: dict[str, Any] = {"of": len(ours)}
    if problem.rebuilds:
        scale, zero = _units(problem.model)
        x = (problem.x - zero[0]) * scale[0]
        rebuilt = [(y - zero[1]) * scale[1] for y in (ours, floats)]
        row["reconstruction"], row["reconstruction_of_file"] = (float(np.square(y - x).mean()) for y in rebuilt)
        return row
    row |= {"top1_same": int((ours.argmax(1) == floats.argmax(1)).sum()), "cosine_min": _cosine(ours, floats)}
    if problem.y is not None:
        row |= {f"right{name}": int((y.argmax(1) == problem.y).sum()) for name, y in (("", ours), ("_of_file", floats))}
    if problem.vectors:
        row["vectors"] = [_vector(artefact, *pair) for pair in problem.vectors]
    return row


def _vector(artefact: Any, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Return the error at the worst output of a test vector, in shares of its largest, and whether the class is its."""
    got = artefact.predict(x).reshape(y.shape)
    return {"error": float(np.abs(got - y).max() / np.abs(y).max()), "same": bool(got.argmax() == y.argmax())}


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the least cosine similarity of two rows."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / norms).min())


def _floats(model: Path, x: np.ndarray) -> np.ndarray:
    """Return onnxruntime's answers, sample by sample, for files that fix the batch: float64 [n, outputs]."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    (first,) = session.get_inputs()
    dtype = np.int8 if first.type == "tensor(int8)" else np.float32
    answers = [session.run(None, {first.name: sample[None].astype(dtype)})[0] for sample in x]
    return np.stack(answers).reshape(len(x), -1).astype(np.float64)


def _units(model: Path) -> tuple[list[float], list[float]]:
    """Return scales and zero points of a file's input and output; 1 and 0 of floats."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(model).graph
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    ends = [
        node for node in graph.node if node.input[0] == graph.input[0].name or node.output[0] == graph.output[0].name
    ]
    if not all("Quantize" in node.op_type or "Dequantize" in node.op_type for node in ends):
        return [1.0, 1.0], [0.0, 0.0]
    scales, zeros = ([float(held[node.input[place]]) for node in ends] for place in (1, 2))
    return scales, zeros
