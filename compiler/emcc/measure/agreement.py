"""How often a compressed model says what the original says."""

import numpy as np

from emcc.ir.graph import Array, Graph
from emcc.measure.quality import agreement
from emcc.ops import interpret
from emcc.ops.host import classes
from emcc.samples.dataset import Dataset


class Agreement:
    """Called with a graph: the percentage of samples with the class of `original`; None without data or classes."""

    def __init__(self, original: Graph, data: Dataset | None) -> None:
        self._host = original.host
        self._x = None if data is None else data.x.astype(np.float64)
        self._classes = self._of(original)

    def __call__(self, graph: Graph) -> float | None:
        same = agreement(self._classes, self._of(graph))
        return None if same is None else 100 * same

    def _of(self, graph: Graph) -> Array | None:
        return None if self._x is None else classes(self._host, np.asarray(interpret.run(graph, self._x)))
