"""What a walk over a model's nodes needs to know of the model as a whole."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from emcc.frontend.tensors import decode
from emcc.ir.graph import Array


@dataclass(frozen=True)
class Model:
    """One file.

    Attributes:
        path: the file.
        opsets: version of every domain; the default one is "".
        sources: the names of its inputs.
        functions: (domain, name) of its own functions.
        by: the command that messages name.
        readers: how often nodes read each name.
        behind: whether tensors may have the batch behind other axes: see behind.
    """

    path: Path
    opsets: Mapping[str, int]
    sources: Collection[str]
    functions: Collection[tuple[str, str]]
    by: str
    readers: Mapping[str, int]
    behind: bool = True


class Initializers(dict[str, Array]):
    """Constants by name: initializers, decoded when first asked for, and what is computed from them.

    `decoded` holds the initializers alone, to be shared between walks.
    """

    def __init__(self, tensors: Mapping[str, onnx.TensorProto], path: Path, decoded: dict[str, Array]) -> None:
        super().__init__()
        self.tensors, self.path, self.decoded = tensors, path, decoded

    def __missing__(self, name: str) -> Array:
        if name not in self.decoded:
            self.decoded[name] = decode(self.tensors[name], self.path)
        return self.decoded[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.tensors
