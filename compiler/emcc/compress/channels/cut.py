"""A graph without some of its channels: rows of the layers that make them, columns of those that read them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from emcc.compress.channels.families import Channels
from emcc.compress.channels.tied import FIXED, axis_of
from emcc.ir.graph import Array, Graph, Node

Kept = Mapping[str, Array]
"""bool [n] by the family's name: which units stay."""


def cut(channels: Channels, kept: Kept) -> Graph:
    """The graph with only those units; families that are not in `kept` stay whole. It must have no codebooks yet."""
    graph = channels.graph
    if graph.codebooks:
        raise ValueError("channels go before weights are shared")
    stays = _stays(channels, kept)
    tensors, constants, units = dict(graph.tensors), dict(graph.constants), dict(graph.units)
    for name, alive in stays.items():
        shape = list(tensors[name].shape)
        axis = axis_of(channels.of[name])
        if axis is not None and not alive.all():
            shape[axis + 1] = int(np.count_nonzero(_line(alive, axis)))
            tensors[name] = replace(tensors[name], shape=tuple(shape))
    nodes = []
    for node in graph.nodes:
        x, y = stays.get(node.inputs[0]), stays[node.outputs[0]]
        if node.op in ("Linear", "Conv"):
            assert x is not None
            rows, columns = (_line(a, 0) if a.ndim > 1 and node.op == "Conv" else a.ravel() for a in (y, x))
            weight, bias = node.inputs[1:]
            grouped = int(node.attrs.get("group", 1)) > 1
            inside = np.ones(constants[weight].shape[1], bool) if grouped else columns
            constants[weight] = constants[weight][rows][:, inside]
            constants[bias] = constants[bias][rows]
            if weight in units and len(units[weight]) == len(rows):
                units[weight] = units[weight][rows]
        else:
            for name in node.inputs:
                if name in graph.constants:
                    constants[name] = _constant(node, graph, name, y, channels)
        nodes.append(replace(node, attrs=_attributes(node, channels, stays, tensors)))
    return graph.with_(nodes=tuple(nodes), tensors=tensors, constants=constants, units=units)


def _stays(channels: Channels, kept: Kept) -> dict[str, Array]:
    """Bool in a sample's shape, by tensor."""
    most = max((int(family.units.max()) for family in channels.families), default=0)
    gone = np.zeros(most + 2, bool)
    for family in channels.families:
        if family.name in kept:
            gone[family.units[~kept[family.name]]] = True
    return {name: np.where(numbers == FIXED, True, ~gone[numbers]) for name, numbers in channels.of.items()}


def _line(alive: Array, axis: int) -> Array:
    return np.moveaxis(alive, axis, 0).reshape(alive.shape[axis], -1)[:, 0]


def _constant(node: Node, graph: Graph, name: str, y: Array, channels: Channels) -> Array:
    """A constant of an operator that keeps channels apart, without those that go."""
    value, axis = graph.constants[name], axis_of(channels.of[node.outputs[0]])
    if axis is None:
        return value
    own = 0 if node.op == "BatchNormalization" else axis + value.ndim - y.ndim
    if own < 0 or value.shape[own] != y.shape[axis]:
        return value
    return np.compress(_line(y, axis), value, axis=own)


def _attributes(
    node: Node, channels: Channels, stays: Mapping[str, Array], tensors: Mapping[str, Any]
) -> Mapping[str, Any]:
    """A node's attributes where they say how many channels there are."""
    x, y = node.inputs[0], node.outputs[0]
    sizes = tuple(int(size or 1) for size in tensors[y].shape[1:])
    if node.op == "Conv" and int(node.attrs["group"]) > 1:
        group = int(np.count_nonzero(_line(stays[x], 0)))
        same = stays[x].all() and stays[y].all()
        return node.attrs if same else {**node.attrs, "group": group}
    if node.op == "Reshape":
        return {**node.attrs, "shape": sizes}
    if node.op == "Slice" and (axis := axis_of(channels.of[x])) is not None:
        counts = tuple(sizes[i] if i == axis else count for i, count in enumerate(node.attrs["counts"]))
        return {**node.attrs, "counts": counts}
    return node.attrs
