"""A folder that emcc wrote, opened to run what is in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emcc.base.errors import EmccError
from emcc.container import decode
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import load_program
from emcc.files.artefact import read_file, read_manifest
from emcc.ir.graph import Graph, Tensor
from emcc.ir.program import Program
from emcc.legal.rows import IllegalGraph
from emcc.legal.verify import verify
from emcc.ops.interpret import is_quantised

COMPRESSED = "compressed"


@dataclass(frozen=True)
class Opened:
    """What a folder holds.

    Attributes:
        program: of `emcc compile`, or made of a model.emc that computes in integers; None where it holds floats.
        graph: what model.emc holds, where the folder is of `emcc compress`.
        array: whether there is RTL for it.
    """

    folder: Path
    manifest: Mapping[str, Any]
    program: Program | None
    graph: Graph | None
    array: bool

    @property
    def held(self) -> Graph:
        """What model.emc holds."""
        if self.graph is not None:
            return self.graph
        return decoded(self.folder)

    @property
    def interface(self) -> Graph:
        """The inputs and outputs, to check data against."""
        return self.held if self.program is None else interface(self.program)


def open_artefact(folder: Path) -> Opened:
    """Open a folder that `emcc compile` or `emcc compress` wrote. EmccError where it is none, or is damaged."""
    manifest = read_manifest(folder)
    if manifest.get("kind") != COMPRESSED:
        return Opened(folder, manifest, load_program(folder / "program.npz"), None, array=True)
    graph = decoded(folder)
    program = lower(graph, LowerOptions(pes=1, trim=False)) if is_quantised(graph) else None
    return Opened(folder, manifest, program, graph, array=False)


def decoded(folder: Path) -> Graph:
    """Return the graph of a folder's model.emc. EmccError where there is none, or it is damaged."""
    file = folder / "model.emc"
    graph = decode(read_file(folder, file.name), file=file)
    try:
        verify(graph, after="quantise" if is_quantised(graph) else "share")
    except IllegalGraph as error:
        hint = "compress the model again, or fetch the file again"
        raise EmccError(f"holds no model that emcc writes: {error}", file=file, hint=hint) from error
    return graph


def interface(program: Program) -> Graph:
    """Return a graph of a program's inputs and outputs alone, to check data against."""
    ports = (*program.inputs, *program.outputs)
    tensors = {port.name: Tensor(port.name, (None, *port.shape)) for port in ports}
    inputs, outputs = (tuple(port.name for port in side) for side in (program.inputs, program.outputs))
    return Graph(program.name, inputs, outputs, (), tensors, {}, host=program.host)
