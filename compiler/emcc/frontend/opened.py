"""A file -> ModelProto as emcc reads it: names that can be written, and sizes where the file leaves them open."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from emcc.frontend.names import rename
from emcc.frontend.read import read
from emcc.frontend.report import Shapes
from emcc.frontend.shapes import put


@dataclass(frozen=True)
class Opened:
    """A model, and what names are called in it that cannot be written, by what they are in the file."""

    proto: onnx.ModelProto
    renamed: Mapping[str, str]

    def name(self, own: str) -> str:
        """Return what the name `own` of the file is called."""
        return self.renamed.get(own, own)


def opened(path: Path, shapes: Shapes | None = None) -> Opened:
    """Return a file's model. Raises EmccError: see read and put."""
    proto = read(path)
    model = Opened(proto, rename(proto.graph))
    if shapes is not None:
        given = {model.name(name): sizes for name, sizes in shapes.given.items()}
        put(replace(shapes, given=given), proto.graph, path)
    return model
