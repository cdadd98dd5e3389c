"""The rows of benchmarks/methods.py, and what one of them gives."""

import importlib
import importlib.util
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import lenet, mnist

FILES = ("methods_prune", "methods_quant", "methods_signs")
"""Files beside this one with ROWS: (model, name, methods as --method takes them, recipe by section), one a line."""

MODELS = {"lenet300100": "lenet300100_dns_original.onnx", "lenet5": "lenet5_dns_original.onnx"}
DENSE = "dense"
BEST = "magnitude+kmeans, for a size, with warped images and distillation"
"""Names of the rows that are no row of a file."""

CLOSE = 0.3
"""Points that the best row may lose against the dense network."""

PES = 16
"""Of the array whose cycles are counted."""

CODED = {"coding": "auto"}
"""The recipe's `[encode]`: `emcc compress` codes so, `emcc compile` where it is asked to."""

FIGURES = ("ratio", "error", "bytes")
"""Of the best."""


@dataclass(frozen=True)
class Row:
    """One method on one model."""

    model: str
    name: str
    method: str
    recipe: Mapping[str, Mapping[str, Any]]

    @property
    def key(self) -> str:
        """What --only takes."""
        return f"{self.model}/{self.name}"


def rows() -> list[Row]:
    """Return every row of every file that is there."""
    found = []
    for file in FILES:
        name = f"{__package__}.{file}"
        if importlib.util.find_spec(name) is not None:
            found += [Row(*row) for row in importlib.import_module(name).ROWS]
    return found


@dataclass(frozen=True)
class Samples:
    """What is trained on and what is measured on: MNIST's training images, the first so many, and its test images."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray

    @classmethod
    def read(cls, data: Path, count: int) -> "Samples":
        """Of the folder of MNIST's files."""
        (x, y), test = mnist.read(data / "mnist", "train"), mnist.read(data / "mnist", "test")
        return cls(x[:count], y[:count], *test)


def dense(model: Path, samples: Samples) -> dict[str, float]:
    """Return a row's figures with all weights: the error in float, bytes of float32."""
    from emcc.driver.compile import compile_model
    from emcc.driver.request import CompileOptions
    from emcc.frontend import load
    from emcc.ops.interpret import run

    with tempfile.TemporaryDirectory() as name:
        data = _written(samples, Path(name))
        artefact = compile_model(CompileOptions(model, data, pes=PES, keep_weights=True))
    graph = load(model, "benchmark", None)
    answers = run(graph, samples.test_x).reshape(len(samples.test_x), -1).argmax(axis=1)
    error = 100 * float(np.mean(answers != samples.test_y))
    totals = artefact.manifest["totals"]
    return {"ratio": 1.0, "error": error, "bytes": totals["dense_bytes"], "cycles": totals["cycles"]["mean"]}


def measured(row: Row, model: Path, samples: Samples, seed: int) -> dict[str, float]:
    """Return ratio, error (percent, of what model.emc says), bytes and cycles of a row, by the fixed schedule.

    Bytes are as `emcc compress` codes them. What is product quantised is so in its file alone, which has no cycles.
    """
    from benchmarks.deep_compression import error_of_emc
    from emcc.driver.compile import compile_model
    from emcc.driver.compress import compress_model
    from emcc.driver.request import CompileOptions, CompressOptions

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sections = {**row.recipe, "finetune": {**row.recipe.get("finetune", {}), "seed": seed}, "encode": CODED}
        (folder / "recipe.toml").write_text(toml(sections))
        data = _written(samples, folder)
        said: dict[str, Any] = {"recipe": folder / "recipe.toml", "fixed": True, "method": row.method}
        stored = "product" in row.method.split("+")
        if stored:
            artefact = compress_model(CompressOptions(model, data, **said))
        else:
            artefact = compile_model(CompileOptions(model, data, pes=PES, **said))
    size = len(artefact.files["model.emc"])
    return {
        "ratio": 4 * lenet.parameters(row.model) / size,
        "error": error_of_emc(artefact.files["model.emc"], samples.test_x, samples.test_y),
        "bytes": size,
        **({} if stored else {"cycles": artefact.manifest["totals"]["cycles"]["mean"]}),
    }


def best_combination(model: str, data: Path, seed: int) -> dict[str, float]:
    """Return the figures of benchmarks/deep_compression.py at its smallest size, and cycles."""
    from benchmarks.deep_compression import Job, run
    from emcc.driver.compile import compile_model
    from emcc.driver.request import CompileOptions

    result = run(Job(model, plain=False, seed=seed, data=data, threads=1, smallest=True))
    x, _ = mnist.read(data, "train")
    with tempfile.TemporaryDirectory() as name:
        path, seen = Path(name) / f"{model}.onnx", Path(name) / "data.npz"
        path.write_bytes(result.compressed)
        np.savez(seen, x=x[:1000])
        artefact = compile_model(CompileOptions(path, seen, pes=PES, keep_weights=True))
    return {
        "ratio": 4 * lenet.parameters(model) / result.bytes,
        "error": result.error,
        "error_before": result.before,
        "bytes": result.bytes,
        "cycles": artefact.manifest["totals"]["cycles"]["mean"],
    }


def toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a recipe's text; an option that is a table of layers comes last of its section."""
    lines = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        plain = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
        lines += [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
        for key in values.keys() - plain.keys():
            lines += [
                f"[{section}.{key}]",
                *(f"{json.dumps(name)} = {json.dumps(v)}" for name, v in values[key].items()),
            ]
    return "\n".join(lines) + "\n"


def means(results: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of every figure over seeds."""
    return {key: float(np.mean([result[key] for result in results])) for key in results[0]}


def _written(samples: Samples, folder: Path) -> Path:
    np.savez(folder / "data.npz", x=samples.x, y=samples.y)
    return folder / "data.npz"
