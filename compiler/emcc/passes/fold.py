"""Fold: constant arithmetic and moves of data go into the weights; layers are Linear and Conv nodes.

Requires what `frontend.load` ensures: the batch axis in front. A function that is spelt out becomes one node. A chain
of matrix products becomes a chain of Linear and activation nodes and nothing else (`fold_chain`). Any other model stays
a graph with two kinds of layers (`fold_graph`): "Linear" (x, weight float32 [out, in], bias float64 [out]), on the
flattened input, and "Conv" (x, weight float32 [out, in / group, kh, kw], bias float64 [out]). Arithmetic is float64,
rounded once. Weights that nothing scales keep their bits, and zeros stay zero; no bias is a negative zero. A Normalizer
in front becomes the norm of its input's affine.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from emcc.ir.graph import PLAIN, Graph
from emcc.passes.fold_chain import fold_chain, is_chain
from emcc.passes.fold_functions import named_functions
from emcc.passes.fold_graph import fold_graph
from emcc.passes.norm import without_norms


@dataclass(frozen=True)
class Fold:
    """A chain of Linear and activation nodes, or a graph with Linear and Conv nodes as its layers."""

    name: ClassVar[str] = "fold"

    def apply(self, graph: Graph) -> Graph:
        """Raises EmccError where a folded weight is beyond float32."""
        rest, norms = without_norms(graph)
        if not is_chain(rest):
            rest = named_functions(rest)
        folded = fold_chain(rest) if is_chain(rest) else fold_graph(rest)
        affines = {name: replace(PLAIN, norm=norm) for name, norm in norms.items()}
        return folded.with_(affines=affines) if affines else folded
