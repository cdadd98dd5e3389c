"""The bytes of model.emc for a graph with shared weights."""

from emcc.automatic.problem import Problem
from emcc.container import encode
from emcc.ir.graph import Graph
from emcc.passes.calibrate import Calibrate
from emcc.passes.quantise import Quantise


class Encoder:
    """Calibrates, quantises and encodes: what compiling would write."""

    def __init__(self, problem: Problem, calibrate: Calibrate | None = None, quantise: Quantise | None = None) -> None:
        self._calibrate = calibrate or Calibrate(data=problem.data.x)
        self._quantise = quantise or Quantise()

    def __call__(self, shared: Graph) -> bytes:
        """The file."""
        return encode(self.quantised(shared))

    def quantised(self, shared: Graph) -> Graph:
        """The integer graph."""
        return self._quantise.apply(self._calibrate.apply(shared))
