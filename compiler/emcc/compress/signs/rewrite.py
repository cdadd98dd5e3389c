"""The graph with the sums of some layers as signs, and the layers around them as the samples have it."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

import numpy as np

from emcc.compress.names import free
from emcc.compress.signs.levels import line, threshold
from emcc.compress.signs.places import Group, Places
from emcc.ir.graph import Array, Graph, Node
from emcc.ops.interpret import trace
from emcc.passes.layers import is_activation
from emcc.samples.split import spread

MOST = 1 << 14
"""Numbers of a channel that a threshold is chosen by, spread evenly over the samples."""


def with_signs(graph: Graph, group: Group, places: Places, x: Array) -> Graph:
    """The graph in which the group's layers hand on signs, of samples x, float32 [n, ...].

    A channel's threshold is that of `levels.threshold`, of what arrives at the next layers, and goes into its bias. Its
    row and bias are divided by the standard deviation of its sums there, which changes no sign: the gradient passes
    where a sum is within 1, as behind the papers' BatchNormalization. What a sign stands for, a scale and an offset a
    column, goes into the next layers' weights and biases.
    """
    names = {node.name: node for node in graph.nodes}
    arrive = tuple(dict.fromkeys(names[reader].inputs[0] for reader in group.readers))
    bare, skipped, x = _without_activations(graph, group), _skipped(graph, group), np.asarray(x, np.float64)
    ends = {name: skipped.get(name, name) for name in arrive}
    values, sums = trace(graph, x, keep=arrive), trace(bare, x, keep=tuple(ends.values()))
    arrivals = [_Arrival(places.numbers.of[name], sums[end], values[name]) for name, end in ends.items()]
    for layer in group.layers:
        at, size = _thresholds(arrivals, places.channels(layer))
        _, weight, bias = names[layer].inputs
        old = graph.constants[weight]
        rows = (old / size.reshape(-1, *(1,) * (old.ndim - 1))).astype(np.float32)
        bare = bare.with_constants({weight: rows, bias: (graph.constants[bias] - at) / size})
    own = np.concatenate([places.channels(layer) for layer in group.layers])
    for reader in group.readers:
        arrival = arrivals[arrive.index(names[reader].inputs[0])]
        bare = bare.with_constants(_columns(bare, names[reader], np.isin(arrival.numbers, own), arrival))
    changed = {names[name].inputs[1] for name in (*group.layers, *group.readers)}
    units = {name: unit for name, unit in bare.units.items() if name not in changed}
    return _signed(bare.with_(units=units), group)


class _Arrival:
    """What arrives at a layer.

    Attributes:
        numbers: int64 in a sample's shape: the channel that each element is.
        sums, values, signs: float64 [n, elements]: sums that went on as they are, what the activations make of them,
            and what the thresholds do.
    """

    def __init__(self, numbers: Array, sums: Array, values: Array) -> None:
        self.numbers = numbers
        self.sums, self.values = (array.reshape(len(array), -1) for array in (sums, values))
        self.signs = np.zeros_like(self.values)


def _thresholds(arrivals: Sequence[_Arrival], channels: Array) -> tuple[Array, Array]:
    """(threshold, standard deviation of the sums or 1), float64 [out], of a layer's channels; signs are made by it."""
    at, size = np.zeros(len(channels)), np.ones(len(channels))
    for row, channel in enumerate(channels.tolist()):
        places = [(arrival, arrival.numbers.ravel() == channel) for arrival in arrivals]
        z = np.concatenate([arrival.sums[:, mask].ravel() for arrival, mask in places])
        y = np.concatenate([arrival.values[:, mask].ravel() for arrival, mask in places])
        some = spread(len(z), MOST)
        at[row], size[row] = threshold(z[some], y[some]), z.std() if np.ptp(z) else 1.0
        for arrival, mask in places:
            arrival.signs[:, mask] = np.where(arrival.sums[:, mask] >= at[row], 1.0, -1.0)
    return at, size


def _columns(graph: Graph, node: Node, own: Array, arrival: _Arrival) -> Mapping[str, Array]:
    """A reader's weights and bias for signs where `own`, bool in a sample's shape, is true of what it reads."""
    _, weight, bias = node.inputs
    old = graph.constants[weight].astype(np.float64)
    columns = old.shape[1]
    scale, offset = np.ones(columns), np.zeros(columns)
    taken = own.reshape(columns, -1)[:, 0]
    s, y = (array.reshape(len(array), columns, -1) for array in (arrival.signs, arrival.values))
    for column in np.flatnonzero(taken):
        scale[column], offset[column] = line(s[:, column].ravel(), y[:, column].ravel())
    alike, some = taken & (scale == 0), taken & (scale != 0)
    # A sign that never changes is a constant, whatever its scale; 0 would leave the column no weights to train.
    usual = float(np.abs(scale[some]).mean()) if some.any() else 1.0
    scale[alike] = usual
    offset[alike] -= usual * s[:, alike].mean(axis=(0, 2))
    shaped = (1, -1, *(1,) * (old.ndim - 2))
    given = (old * offset.reshape(shaped)).reshape(len(old), -1).sum(axis=1)
    return {weight: (old * scale.reshape(shaped)).astype(np.float32), bias: graph.constants[bias] + given}


def _skipped(graph: Graph, group: Group) -> dict[str, str]:
    """By what an activation of the group gives, what it takes."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        if node.name in group.between and is_activation(node):
            found[node.outputs[0]] = found.get(node.inputs[0], node.inputs[0])
    return found


def _without_activations(graph: Graph, group: Group) -> Graph:
    """The graph in which the group's sums go on as they are."""
    skipped = _skipped(graph, group)
    nodes = tuple(
        replace(node, inputs=tuple(skipped.get(name, name) for name in node.inputs))
        for node in graph.nodes
        if node.outputs[0] not in skipped
    )
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in skipped}
    return graph.with_(nodes=nodes, tensors=tensors)


def _signed(graph: Graph, group: Group) -> Graph:
    """The graph with a sign behind each of the group's layers; the tensor of its sums has the sign then."""
    nodes, tensors, names = list[Node](), dict(graph.tensors), {node.name for node in graph.nodes}
    for node in graph.nodes:
        if node.name not in group.layers:
            nodes.append(node)
            continue
        (z,) = node.outputs
        sums = free(f"{node.name}/sums", tensors)
        tensors[sums] = replace(tensors[z], name=sums)
        name = free(f"{node.name}/sign", names)
        nodes += [replace(node, outputs=(sums,)), Node(name, "Bipolar", (sums,), (z,), {"step": 1.0})]
    return graph.with_(nodes=tuple(nodes), tensors=tensors)


def behind_pools(graph: Graph) -> Graph:
    """The graph with signs behind the MaxPools that alone read them: the same function, as a step up commutes with a
    maximum, and the gradient goes to the largest sum and not to any of several ones (XNOR-Net, section 3.2)."""
    nodes, tensors = list(graph.nodes), dict(graph.tensors)
    readers = Counter(name for node in nodes for name in node.inputs)
    makers = {node.outputs[0]: node for node in nodes}
    for place, pool in enumerate(nodes):
        sign = makers.get(pool.inputs[0])
        if pool.op != "MaxPool" or sign is None or not _steps_up(sign) or readers[sign.outputs[0]] > 1:
            continue
        (y,), (z,) = pool.outputs, sign.outputs
        sums = free(f"{pool.name}/sums", tensors)
        tensors[sums] = replace(tensors.pop(y), name=sums)
        tensors[y] = replace(tensors[sums], name=y)
        del tensors[z]
        nodes[nodes.index(sign)] = replace(pool, inputs=sign.inputs, outputs=(sums,))
        nodes[place] = makers[y] = replace(sign, inputs=(sums,), outputs=(y,))
    return graph.with_(nodes=tuple(nodes), tensors=tensors)


def _steps_up(node: Node) -> bool:
    return node.op == "Bipolar" and float(node.attrs["step"]) > 0


def renamed(graph: Graph, signs: Container[str]) -> Graph:
    """The graph with other names for the tensors that hold signs: by the old ones the model has something else."""
    taken = {*graph.tensors, *graph.constants}
    names = {name: free(f"{name}/signs", taken) for name in graph.tensors if name in signs}

    def new(old: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.get(name, name) for name in old)

    nodes = tuple(replace(node, inputs=new(node.inputs), outputs=new(node.outputs)) for node in graph.nodes)
    tensors = {new((name,))[0]: replace(tensor, name=new((name,))[0]) for name, tensor in graph.tensors.items()}
    ranges = {name: ends for name, ends in graph.ranges.items() if name in tensors}
    return graph.with_(nodes=nodes, tensors=tensors, ranges=ranges)
