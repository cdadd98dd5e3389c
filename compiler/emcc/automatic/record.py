"""emcc.json of a compressed model: what was done, a row a layer and pass, and what it costs."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emcc import __version__
from emcc.automatic.options import Goal
from emcc.automatic.search import Found
from emcc.automatic.size import layer_table
from emcc.ir.graph import Graph
from emcc.recipe import Recipe
from emcc.runtime.data import Dataset

if TYPE_CHECKING:
    from emcc.compress import CompressOptions

DIGITS = 6
KIND = "compressed"


def manifest(
    options: "CompressOptions",
    recipe: Recipe,
    original: Graph,
    shared: Graph,
    encoded: bytes,
    data: Dataset | None,
    checked: str,
) -> dict[str, Any]:
    """The manifest, but for "format", "files" and what `of_search` says."""
    effective = recipe.effective()
    used = ("search" if options.goal else "share", "calibrate", "quantise", "encode")
    return {
        "kind": KIND,
        "emcc": __version__,
        "model": {**_file(options.model), "name": original.name, "checked": checked},
        "data": {**_file(options.data), "samples": len(data)} if options.data and data is not None else None,
        "recipe": _file(options.recipe) if options.recipe else None,
        "options": {"passes": {name: effective[name] for name in used}},
        **rounded(table(original, shared, encoded)),
    }


def of_search(goal: Goal, found: Found) -> dict[str, Any]:
    """The goal, what was measured, and a row a layer and pass: "goal", "search" and "layer_passes"."""
    record = {name: value for name, value in found.record.items() if name != "steps"}
    aim = {name: value for name, value in asdict(goal).items() if value is not None}
    return dict(rounded({"goal": aim, "search": record, "layer_passes": found.record["steps"]}))


def table(original: Graph, shared: Graph, encoded: bytes) -> dict[str, Any]:
    """The rows of Deep Compression's tables, and their totals.

    A layer's bytes are its sections of the file; what remains of the file is its header, checksums and frame.
    """
    rows = []
    found, rest = layer_table(encoded)
    for node, size in zip(shared.layers(), found, strict=True):
        book = shared.codebooks[node.inputs[1]]
        weights, before = shared.constants[node.inputs[1]], original.constants[node.inputs[1]]
        kept = int(np.count_nonzero(weights))
        rows.append(
            {
                "name": node.name,
                "shape": list(weights.shape),
                "weights": weights.size,
                "biases": len(shared.constants[node.inputs[2]]),
                "kept": kept,
                "density": kept / weights.size,
                "entries": int(np.unique(weights[weights != 0]).size),
                "code_w": book.code_w,
                "inertia": float(np.square(weights - before, dtype=np.float64)[weights != 0].sum()),
                **coded(size),
            }
        )
    parameters = sum(row["weights"] + row["biases"] for row in rows)
    total = {
        "parameters": parameters,
        "weights": sum(row["weights"] for row in rows),
        "kept": sum(row["kept"] for row in rows),
        "dense_bytes": 4 * parameters,
        "bytes": len(encoded),
        "header_bytes": rest,
        "compression": 4 * parameters / len(encoded),
    }
    return {"layers": rows, "totals": total}


def coded(size: Any) -> dict[str, Any]:
    """Of a container.LayerSize: bits a kept weight, uncoded and coded, and bytes."""
    kept = max(1, size.kept)
    return {
        "code_bits": size.codes.width,
        "code_bits_coded": 8 * size.codes.bytes / kept,
        "run_bits": size.runs.width,
        "run_bits_coded": 8 * size.runs.bytes / kept,
        "bytes": size.bytes,
        "codebook_bytes": size.codebook.bytes,
        "bias_bytes": size.bias.bytes,
    }


def _file(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"file": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def rounded(value: Any) -> Any:
    """As JSON has it; floats to six digits."""
    if isinstance(value, Mapping):
        return {str(key): rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
