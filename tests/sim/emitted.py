"""Programs as artefacts on disk, and samples for them."""

from pathlib import Path
from typing import Any

import numpy as np

from emcc.driver.emit import emit
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import save_program
from emcc.files.artefact import FORMAT, MANIFEST, Artefact, to_json
from emcc.files.manifest import COMPILED
from emcc.ir.graph import Array, Graph
from emcc.ir.program import Program
from emcc.samples.dataset import Dataset
from emcc.samples.sampling import format_of


def write(graph: Graph, options: LowerOptions, folder: Path) -> Program:
    """Lower a quantised graph and write what simulating it takes; returns the program."""
    program = lower(graph, options)
    manifest = to_json({**example(COMPILED), "format": FORMAT})
    Artefact({MANIFEST: manifest, "program.npz": save_program(program), **emit(program).files}).write(folder)
    return program


def samples(program: Program, count: int, *, density: float = 0.5, scale: float = 0.1, seed: int = 0) -> Dataset:
    """Samples that fill `scale` of the input format's range, `density` of the elements not zero; labels at random."""
    rng = np.random.default_rng(seed)
    shape = (count, *program.inputs[0].shape)
    fmt = format_of(program, program.inputs[0])
    integers = rng.integers(fmt.low, fmt.high, shape, endpoint=True) * scale
    x: Array = fmt.dequantise(np.floor(integers) * (rng.random(shape) < density)).astype(np.float32)
    return Dataset(x, rng.integers(0, program.outputs[0].shape[-1], count))


def example(schema: Any) -> Any:
    """The least value that a schema of `files.manifest` allows."""
    if isinstance(schema, dict):
        return {key: example(part) for key, part in schema.items() if key[-1] not in "?*"}
    if isinstance(schema, tuple):
        return example(schema[-1])
    if isinstance(schema, range):
        return schema.start
    return [] if isinstance(schema, list) else schema and schema()
