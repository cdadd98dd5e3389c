"""The graph with the sums of some layers as signs, and the layers around them as the samples have it."""

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import replace

import numpy as np

from emcc.compress.names import free
from emcc.compress.signs.levels import line, threshold
from emcc.compress.signs.places import Group, Places, is_activation
from emcc.ir.graph import Array, Graph, Node
from emcc.ops.interpret import trace
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
    bare = _without_activations(graph, group)
    ends = {name: _skipped(graph, group).get(name, name) for name in arrive}
    x = np.asarray(x, np.float64)
    values, sums = trace(graph, x, keep=arrive), trace(bare, x, keep=tuple(ends.values()))
    changes: dict[str, Array] = {}
    signs = {name: np.zeros_like(values[name]) for name in arrive}
    for layer in group.layers:
        _, weight, bias = names[layer].inputs
        at, size = (np.zeros(len(graph.constants[weight])) for _ in range(2))
        for row, number in enumerate(places.channels(layer).tolist()):
            here = {name: places.numbers.of[name].ravel() == number for name in arrive}
            pairs = [(_of(sums[ends[name]], mask), _of(values[name], mask)) for name, mask in here.items() if mask.any()]
            z, y = (np.concatenate(part) for part in zip(*pairs, strict=True))
            at[row], size[row] = threshold(_some(z), _some(y)), z.std()
            for name, mask in here.items():
                flat, sign = sums[ends[name]].reshape(len(x), -1), signs[name].reshape(len(x), -1)
                sign[:, mask] = np.where(flat[:, mask] >= at[row], 1.0, -1.0)
        size[size == 0] = 1.0
        old = graph.constants[weight]
        changes[weight] = (old / size.reshape(-1, *(1,) * (old.ndim - 1))).astype(np.float32)
        changes[bias] = (graph.constants[bias] - at) / size
    for reader in group.readers:
        x_of, weight, bias = names[reader].inputs
        own = np.isin(places.numbers.of[x_of], np.concatenate([places.channels(layer) for layer in group.layers]))
        changes |= _columns(bare.with_constants(changes), names[reader], own, signs[x_of], values[x_of])
    return _signed(bare.with_constants(changes), group)


def _columns(graph: Graph, node: Node, own: Array, signs: Array, values: Array) -> Mapping[str, Array]:
    """A reader's weights and bias for signs in the columns of `own`, bool in a sample's shape of what it reads."""
    _, weight, bias = node.inputs
    columns, taken = graph.constants[weight].shape[1], own.reshape(graph.constants[weight].shape[1], -1)[:, 0]
    scale, offset = np.ones(columns), np.zeros(columns)
    s, y = (array.reshape(len(array), columns, -1).transpose(1, 0, 2).reshape(columns, -1) for array in (signs, values))
    for column in np.flatnonzero(taken):
        scale[column], offset[column] = line(s[column], y[column])
    alike = taken & (scale == 0)
    usual = float(np.abs(scale[taken & ~alike]).mean()) if (taken & ~alike).any() else 1.0
    # A sign that never changes is a constant, whatever its scale; 0 would leave the column no weights to train.
    scale[alike] = usual
    offset[alike] = y[alike].mean(axis=1) - usual * s[alike].mean(axis=1)
    old = graph.constants[weight].astype(np.float64)
    shaped = (1, -1, *(1,) * (old.ndim - 2))
    made = (old * scale.reshape(shaped)).astype(np.float32)
    given = (old * offset.reshape(shaped)).reshape(len(old), -1).sum(axis=1)
    return {weight: made, bias: graph.constants[bias] + given}


def _of(values: Array, mask: Array) -> Array:
    """The elements of [n, ...] that a mask of a sample's elements has, as one line."""
    return np.asarray(values.reshape(len(values), -1)[:, mask].ravel())


def _some(values: Array) -> Array:
    """At most MOST of them, spread evenly."""
    return values[spread(len(values), MOST)]


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
        if pool.op != "MaxPool" or sign is None or sign.op != "Bipolar" or sign.attrs["step"] <= 0 or readers[sign.outputs[0]] > 1:
            continue
        (y,), (z,) = pool.outputs, sign.outputs
        sums = free(f"{pool.name}/sums", tensors)
        tensors[sums] = replace(tensors.pop(y), name=sums)
        tensors[y] = replace(tensors[sums], name=y)
        del tensors[z]
        nodes[nodes.index(sign)] = replace(pool, inputs=sign.inputs, outputs=(sums,))
        nodes[place] = makers[y] = replace(sign, inputs=(sums,), outputs=(y,))
    return graph.with_(nodes=tuple(nodes), tensors=tensors)


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
