"""Dropout of hidden activations in training: the graph with a factor before each fully connected layer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from emcc.ir.graph import Graph, Node

SAME = ("Flatten", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Transpose")


class Dropout:
    """Leaves out a share of what enters each Linear that does not read the model's input (Srivastava et al. 2014).

    Attributes:
        graph: the graph to train; computes what the one given does where the factors are one.
    """

    def __init__(self, torch: Any, graph: Graph, share: float) -> None:
        self._torch, self._share = torch, share
        self._shapes: dict[str, tuple[int, ...]] = {}
        tensors, nodes, ends = dict(graph.tensors), [], {graph.inputs[0]}
        for node in graph.nodes:
            if node.op in SAME and node.inputs[0] in ends:
                ends.add(node.outputs[0])
            if share and node.op == "Linear" and node.inputs[0] not in ends:
                source = tensors[node.inputs[0]]
                factor, after = _free(f"{node.name}.dropout", tensors), _free(f"{node.name}.dropped", tensors)
                self._shapes[factor] = tuple(int(size or 1) for size in source.shape[1:])
                tensors[factor], tensors[after] = replace(source, name=factor), replace(source, name=after)
                nodes.append(Node(factor, "Mul", (source.name, factor), (after,)))
                node = replace(node, inputs=(after, *node.inputs[1:]))
            nodes.append(node)
        self.graph = replace(graph, tensors=tensors, nodes=tuple(nodes)) if self._shapes else graph

    def factors(self, rng: np.random.Generator, samples: int) -> Mapping[str, Any]:
        """By name, float32 [samples, ...]: 0 for what is left out, 1 / (1 - share) for the rest."""
        left = np.float32(1 / (1 - self._share))
        return {
            name: self._torch.from_numpy(
                np.where(rng.random((samples, *shape), np.float32) < self._share, np.float32(0), left)
            )
            for name, shape in self._shapes.items()
        }


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """The name, or one like it that is not taken."""
    while name in taken:
        name += "_"
    return name
