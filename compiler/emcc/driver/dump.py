"""Graphs and programs as text: of a file or an artefact, and between the passes of a compile."""

import re
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.base.text import for_path
from emcc.frontend.report import Shapes, Taken
from emcc.ir.graph import Graph
from emcc.ir.program import Program
from emcc.ir.text import graph_text, program_text

NAME = re.compile(r"\d\d-[a-z]+\.txt")


def text_of(path: Path, output: Taken = None, shapes: Shapes | None = None) -> str:
    """Return the program of a folder that `emcc compile` wrote, the graph of any other artefact, or a model's graph.

    `output`: the tensors to take as a model's outputs; `shapes`: sizes that its inputs leave open.

    Raises:
        EmccError: the model or the artefact is damaged, or is none.
    """
    if not path.is_dir():
        from emcc.frontend import load

        return graph_text(load(path, "emcc inspect", output, shapes))
    from emcc.container import decode
    from emcc.eie.store import load_program
    from emcc.files.artefact import read_file, read_manifest

    read_manifest(path)
    if (path / "program.npz").is_file():
        return program_text(load_program(path / "program.npz"))
    file = path / "model.emc"
    return graph_text(decode(read_file(path, file.name), file=file))


class Dump:
    """Writes NN-PASS.txt into a folder, one for each stage, numbered as they come.

    Raises:
        EmccError: the folder holds anything but such files, or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            others = sorted(item.name for item in folder.iterdir() if not NAME.fullmatch(item.name))
            if others:
                hint = "name an empty folder, or one with an earlier dump"
                raise EmccError(f"the folder of --dump has other files: {for_path(others[0])}", file=folder, hint=hint)
            for item in folder.iterdir():
                item.unlink()
        except OSError as error:
            raise EmccError(f"cannot be written: {error.strerror}", file=folder) from error

    def __call__(self, stage: str, value: Graph | Program) -> None:
        """Write what a stage leaves."""
        text = graph_text(value) if isinstance(value, Graph) else program_text(value)
        file = self._folder / f"{self._count:02}-{stage}.txt"
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise EmccError(f"cannot be written: {error.strerror}", file=file) from error
        self._count += 1
