"""How many steps of training a time allows, from the sizes of the model and the data alone: the same everywhere."""

import math
from dataclasses import dataclass

from emcc.compress.search.goal import Search
from emcc.ir.graph import Graph, Node
from emcc.ops import recurrent, traits

MULTIPLIES = 4e10
"""Multiplications and additions a second, of one core, in training and when the model runs."""

STEP, LAYER = 1.5e-3, 0.5e-3
"""Seconds that a step takes beside them: at all, and for a layer."""

WEIGHT = 8e-9
"""Seconds that the optimiser, the choice of zeros and codes and the coder take for a weight and step."""

SHARE = 0.5
"""Of the time, for training; the rest is for judging, coding, lowering and rendering."""


@dataclass(frozen=True)
class Budget:
    """Steps of training, and the most samples that decide."""

    steps: int
    judges: int


def macs(graph: Graph) -> int:
    """Multiply-accumulates an inference of a folded graph's layers."""
    return sum(int(graph.constants[node.inputs[1]].size) * _times(graph, node) for node in graph.layers())


def _times(graph: Graph, node: Node) -> int:
    """How often an inference uses each weight of a layer: at every position, or step."""
    if "recurrent" in traits(node.op):
        return recurrent.steps(graph, node)
    if node.op in ("Embedding", "Shift"):
        return 0
    return max(1, graph.tensors[node.outputs[0]].features // len(graph.constants[node.inputs[1]]))


def steps_of(minutes: float, graph: Graph, options: Search) -> int:
    """Return the steps of training that a time allows, at least one."""
    return max(1, int(60 * minutes * SHARE / _step(graph, options)))


def judges_of(steps: int, graph: Graph, options: Search, levels: bool, least: int) -> int:
    """Return how many samples may decide: judging them takes no longer than the steps; not fewer than `least`."""
    times = 3 * options.passes(levels) + 6 * len(list(graph.layers()))
    sample = 2 * macs(graph) / MULTIPLIES + 1e-6
    return max(least, math.floor(steps * _step(graph, options) / (times * sample)))


def _step(graph: Graph, options: Search) -> float:
    """Seconds of a step: forwards, and twice as much backwards."""
    layers = [graph.constants[node.inputs[1]].size for node in graph.layers()]
    turns = sum(_times(graph, node) for node in graph.layers() if "recurrent" in traits(node.op))
    fixed = STEP + LAYER * (len(layers) + turns) + WEIGHT * sum(layers)
    return fixed + 6 * macs(graph) * options.batch / MULTIPLIES
