"""What each tensor and each layer's weights cause at the outputs, alone."""

from collections.abc import Mapping, Sequence

import numpy as np

from emcc.ir.graph import Array, Graph
from emcc.measure.alone import replaced, rerun
from emcc.ops.interpret import trace


class Effects:
    """Each output's squared error, summed over batches, with one thing replaced at a time: float64 [outputs] by (kind,
    name).

    A layer's weights are replaced in the float model. A tensor is rounded in the float model with the artefact's
    weights, for its format was made for that one.
    """

    def __init__(
        self, folded: Graph, held: Graph, layers: Mapping[str, Mapping[str, Array]], tensors: Sequence[str]
    ) -> None:
        self.folded, self.held, self.layers = folded, held, layers
        self.weighted = folded.with_constants({name: value for own in layers.values() for name, value in own.items()})
        self.tensors = [name for name in tensors if held.tensors[name].fmt is not None]
        self.formats = {name: tensor.fmt for name, tensor in held.tensors.items() if tensor.fmt is not None}
        self.squares: dict[tuple[str, str], Array] = {}

    def add(self, floats: Mapping[str, Array], x: Array) -> None:
        """Take one batch: every tensor of the float model, and its samples x."""
        for name, constants in self.layers.items():
            self._add(("weights", name), floats, rerun(self.folded, floats, {}, constants, self.formats))
        weighted = trace(self.weighted, x.astype(np.float64)) if self.tensors else {}
        for name in self.tensors:
            own = replaced(self.weighted, self.held, name, weighted)
            self._add(("tensor", name), weighted, rerun(self.weighted, weighted, {name: own}, {}, self.formats))

    def _add(self, key: tuple[str, str], before: Mapping[str, Array], after: Mapping[str, Array]) -> None:
        squares = np.array([np.square(after[name] - before[name]).sum() for name in self.folded.outputs])
        self.squares[key] = self.squares.get(key, np.zeros(len(squares))) + squares
