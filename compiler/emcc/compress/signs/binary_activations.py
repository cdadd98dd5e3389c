"""Binary activations: what a hidden layer hands on is -1 or 1."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.base.text import printable
from emcc.compress.problem import Problem
from emcc.compress.signs.places import Places, places
from emcc.compress.signs.rewrite import behind_pools, renamed, with_signs
from emcc.ir.graph import Array, Graph
from emcc.passes.layers import check_names
from emcc.samples.split import spread

SAMPLES, ROOM = 512, 1 << 25
"""Samples that thresholds are chosen on, at most, and elements of all their tensors."""


@dataclass(frozen=True)
class BinaryActivations:
    """Has layers hand on the signs of their sums, sign(0) = 1, in the place of their activation, or of none.

    Hubara et al., "Binarized neural networks", NIPS 2016, equation 1, and Rastegari et al., "XNOR-Net", ECCV 2016: what
    enters a hidden layer is binary, the model's input is not. With `binary` weights it is an XNOR-Net. The graph is
    rewritten: the sign is an operator of its own, whose gradient goes straight through (`ops.grid`). The scale that
    XNOR-Net has of its inputs is a constant a channel here, in the next layer's weights; thresholds are in biases. See
    `rewrite.with_signs`, and `places` on which layers hand on signs.

    Attributes:
        x: samples of the model's input, float32 [n, ...].
    """

    epochs: int = option(8, "passes over the data with signs, before weights go or are shared", low=0, high=10_000)
    layers: Mapping[str, int] = option({}, "0: one layer, by its name, keeps its activation", low=0, high=1)
    x: Array | None = None
    name: ClassVar[str] = "binary-activations"
    role: ClassVar[str] = "binarise"

    def on(self, problem: Problem) -> Self:
        """With samples that train."""
        return replace(self, x=problem.some(SAMPLES))

    def check(self, graph: Graph) -> Places:
        """Where signs will be. EmccError where that is nowhere, or not where the recipe asks for them."""
        check_names(self.layers, graph, f"{self.name}.layers")
        found = places(graph, frozenset(name for name, binary in self.layers.items() if not binary))
        details = [f"layer {printable(name)!r}: {printable(why, 200)}" for name, why in found.reasons.items()]
        if not found.groups:
            raise EmccError(
                f"{self.name} does not apply: of no layer do the sums reach other layers alone",
                details=details,
                hint="leave it out of --method, or [compress] methods",
            )
        if bad := [name for name, binary in self.layers.items() if binary and name in found.reasons]:
            raise EmccError(
                f"{self.name}.layers asks for signs of layers that cannot hand them on",
                details=[f"{printable(name)!r}: {printable(found.reasons[name], 200)}" for name in bad],
                hint=f"leave them out of the recipe's [{self.name}.layers]",
            )
        return found

    def apply(self, graph: Graph) -> Graph:
        """The graph with signs, as the samples have it. EmccError as `check`."""
        found = self.check(graph)
        if self.x is None:
            raise ValueError("thresholds are chosen on samples")
        features = sum(tensor.features for tensor in graph.tensors.values())
        rows = spread(len(self.x), max(1, min(SAMPLES, ROOM // features)))
        signs = frozenset(
            node.outputs[0]
            for node in graph.nodes
            for group in found.groups
            if node.name in group.layers or node.name in group.between
        )
        for group in found.groups:
            graph = with_signs(graph, group, found, np.asarray(self.x[rows]))
        return renamed(behind_pools(graph), signs)
