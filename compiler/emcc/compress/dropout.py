"""Dropout in training: the graph with a factor at its input and before each fully connected layer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from emcc.compress.names import free
from emcc.ir.graph import INDICES, Graph, Node
from emcc.ops import traits


class Dropout:
    """Leaves out a share of the hidden activations that enter a Linear, and one of the inputs (Srivastava et al. 2014).

    Attributes:
        graph: the graph to train; computes what the one given does where the factors are one.
    """

    def __init__(self, torch: Any, graph: Graph, hidden: float, inputs: float = 0.0) -> None:
        self._torch = torch
        self._factors: dict[str, tuple[tuple[int, ...], float]] = {}
        tensors, nodes = dict(graph.tensors), list[Node]()
        ends = set(graph.inputs)

        def dropped(name: str, share: float) -> str:
            """The tensor that is `name` times a new factor."""
            factor, after = free(f"{name}.dropout", tensors), free(f"{name}.dropped", tensors)
            source = tensors[name]
            self._factors[factor] = tuple(int(size or 1) for size in source.shape[1:]), share
            tensors[factor], tensors[after] = replace(source, name=factor), replace(source, name=after)
            nodes.append(Node(factor, "Mul", (name, factor), (after,)))
            return after

        floats = {name for name in graph.inputs if graph.tensors[name].dtype not in INDICES}
        begin = {name: dropped(name, inputs) if inputs and name in floats else name for name in graph.inputs}
        for node in graph.nodes:
            source = node.inputs[0]
            if traits(node.op) & {"moves", "no-op"} and source in ends:
                ends.add(node.outputs[0])
            if hidden and node.op == "Linear" and source not in ends:
                node = replace(node, inputs=(dropped(source, hidden), *node.inputs[1:]))
            nodes.append(replace(node, inputs=tuple(begin.get(name, name) for name in node.inputs)))
        self.graph = replace(graph, tensors=tensors, nodes=tuple(nodes)) if self._factors else graph

    def factors(self, rng: np.random.Generator, samples: int) -> Mapping[str, Any]:
        """By name, float32 [samples, ...]: 0 for what is left out, 1 / (1 - share) for the rest."""
        factors = {}
        for name, (shape, share) in self._factors.items():
            out = rng.random((samples, *shape), np.float32) < share
            factors[name] = self._torch.from_numpy(np.where(out, np.float32(0), np.float32(1 / (1 - share))))
        return factors
