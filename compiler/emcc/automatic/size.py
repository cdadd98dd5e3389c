"""The bytes of model.emc for a graph with shared weights."""

from typing import Any

from emcc.automatic import bundle
from emcc.automatic.problem import Problem
from emcc.container import encode, layer_sizes, sizes
from emcc.ir.graph import Graph
from emcc.passes.calibrate import Calibrate
from emcc.passes.quantise import Quantise

CHAIN = ("Linear", "Relu", "LeakyRelu", "Sigmoid", "Tanh")


def is_chain(graph: Graph) -> bool:
    """Whether the array runs it: then model.emc holds integers throughout."""
    return all(node.op in CHAIN for node in graph.nodes)


def layer_table(shared: Graph, encoded: bytes) -> tuple[list[Any], int]:
    """(container.LayerSize a layer, the bytes that are no layer's)."""
    if not bundle.is_bundle(encoded):
        return layer_sizes(encoded), sizes(encoded)[0].bytes
    rows = [layer_sizes(blob)[0] for blob in bundle.layers(shared)]
    return rows, len(encoded) - sum(row.bytes for row in rows)


class Encoder:
    """Calibrates, quantises and encodes: what compiling would write."""

    def __init__(self, problem: Problem, calibrate: Calibrate | None = None, quantise: Quantise | None = None) -> None:
        self._calibrate = calibrate or Calibrate(data=problem.data.x)
        self._quantise = quantise or Quantise()

    def __call__(self, shared: Graph) -> bytes:
        """The file."""
        return encode(self.quantised(shared)) if is_chain(shared) else bundle.pack(shared)

    def quantised(self, shared: Graph) -> Graph:
        """The integer graph."""
        return self._quantise.apply(self._calibrate.apply(shared))
