"""The Program that C is made of: nothing dealt, nothing unrolled, every tensor in the model's own order."""

from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Graph
from emcc.ir.program import Program

OPTIONS = LowerOptions(pes=1, groups=1, balance="none", trim=False)


def plain(graph: Graph) -> Program:
    """Lower a quantised graph for one PE. Its integers are those of any other number: what they say does not change."""
    return lower(graph, OPTIONS)
