"""Which layers may hand on signs: those whose sums reach nothing but other layers, by ways that a sign may go too.

A sign goes the way of its sum where what is between only moves, joins or selects the largest: a step up commutes with
the maximum, so that the sign of a pooled sum is the pooled sign.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from emcc import ops
from emcc.compress.channels.reconstruct import reads
from emcc.compress.channels.tied import FIXED, Tied, tied
from emcc.ir.graph import Array, Graph, Node
from emcc.passes.layers import is_activation

WAYS: frozenset[ops.Trait] = frozenset({"moves", "no-op", "padding", "picks"})
"""Traits of the operators that a sign goes through, beside Concat and MaxPool."""


@dataclass(frozen=True)
class Group:
    """Layers whose signs are made together, since an activation behind them is of all.

    Attributes:
        layers: their names, in order. between: names of the nodes from their sums to the next layers, activations too.
        readers: names of the layers that read them.
    """

    layers: tuple[str, ...]
    between: frozenset[str]
    readers: tuple[str, ...]


@dataclass(frozen=True)
class Places:
    """Where signs may be.

    Attributes:
        numbers: of `tied`, by which a tensor's elements are told apart. reasons: by layer, why it hands on no signs.
    """

    numbers: Tied
    groups: tuple[Group, ...]
    reasons: Mapping[str, str]

    def channels(self, layer: str) -> Array:
        """int64 [out]: the numbers of a layer's channels."""
        return self.numbers.owners[layer]


def places(graph: Graph, left: frozenset[str]) -> Places:
    """Where a folded graph may have signs; the layers `left` keep their activations."""
    numbers = tied(graph)
    owner = {int(number): name for name, own in numbers.owners.items() for number in own}
    made = {name: frozenset(_owners(array, owner)) for name, array in numbers.of.items()}
    reasons = _reasons(graph, numbers, made, left)
    while spoilt := dict(_spoilt(graph, made, reasons)):
        reasons |= spoilt
    free = [node.name for node in graph.layers() if node.name not in reasons]
    groups = tuple(_group(graph, made, layers) for layers in _together(graph, made, free))
    return Places(numbers, groups, reasons)


def _owners(array: Array, owner: Mapping[int, str]) -> Iterator[str]:
    """Names of the layers whose channels the elements are; "" of an element that is of none."""
    for number in np.unique(array).tolist():
        yield "" if number == FIXED else owner[number]


def _reasons(graph: Graph, numbers: Tied, made: Mapping[str, frozenset[str]], left: frozenset[str]) -> dict[str, str]:
    """By layer, what keeps it from handing on signs; for the first of several things."""
    found = dict.fromkeys(left, "left as it is by the recipe")
    for node in graph.layers():
        if node.name in numbers.lost:
            found.setdefault(node.name, numbers.lost[node.name])
        elif not reads(node) or node.name not in numbers.owners:
            found.setdefault(node.name, f"is no matrix and no ungrouped convolution ({node.op})")
    for node in graph.nodes:
        followed = reads(node) or _goes_through(node) or is_activation(node)
        for name in () if followed and node.name not in numbers.lost else node.inputs:
            for layer in made.get(name, ()):
                found.setdefault(layer, f"its sums reach {node.name!r} ({node.op})")
    for name in graph.outputs:
        for layer in made[name]:
            found.setdefault(layer, f"its sums reach the output {name!r}")
    found.pop("", None)
    return found


def _goes_through(node: Node) -> bool:
    return node.op in ("Concat", "MaxPool") or bool(ops.traits(node.op) & WAYS)


def _spoilt(graph: Graph, made: Mapping[str, frozenset[str]], reasons: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(layer, why) of those that share an activation with one that keeps it, or with what no layer makes."""
    for node in graph.nodes:
        if is_activation(node) and (own := made[node.inputs[0]]) & {"", *reasons}:
            for layer in own - {"", *reasons}:
                yield layer, f"its activation {node.name!r} is of others too, which keep it"


def _together(graph: Graph, made: Mapping[str, frozenset[str]], free: list[str]) -> list[tuple[str, ...]]:
    """The free layers, those of one activation together, in order."""
    groups = [{name} for name in free]
    for node in graph.nodes:
        if is_activation(node) and (own := made[node.inputs[0]] & set(free)):
            joined = [group for group in groups if group & own]
            groups = [group for group in groups if not group & own] + [set().union(*joined)]
    ordered = [tuple(sorted(group, key=free.index)) for group in groups]
    return sorted(ordered, key=lambda group: free.index(group[0]))


def _group(graph: Graph, made: Mapping[str, frozenset[str]], layers: tuple[str, ...]) -> Group:
    own = set(layers)
    carried = [node for node in graph.nodes if any(made.get(name, frozenset()) & own for name in node.inputs)]
    between = frozenset(node.name for node in carried if not reads(node))
    return Group(layers, between, tuple(node.name for node in carried if reads(node)))
