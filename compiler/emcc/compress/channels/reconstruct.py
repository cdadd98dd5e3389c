"""Channels by what the next layer loses without them, and the next layer's weights solved anew for those that stay."""

from collections.abc import Iterator

import numpy as np

from emcc.compress.channels.cut import Kept, cut
from emcc.compress.channels.families import Channels, Family
from emcc.ir.graph import Array, Graph, Node
from emcc.ops.conv import columns
from emcc.ops.interpret import trace
from emcc.ops.windows import axes

PLACES = 10
"""Output places that are looked at of each sample (He et al. 2017 and Luo et al. 2017 take as many)."""

PART = 64
"""Samples whose contributions are held at a time."""

RIDGE = 1e-3
"""Of the mean square of a layer's inputs: how strongly solved weights are held to those that there were."""


def removal_orders(channels: Channels, x: Array) -> dict[str, Array]:
    """By the family's name, float64 [n]: when each unit goes, 0 the first.

    ThiNet (Luo, Wu and Lin, ICCV 2017, algorithm 1): next goes the unit with which the squared sum of what has gone,
    at sampled places of the next layers' outputs, is least.
    """
    readers = [node for node in channels.graph.nodes if reads(node)]
    grams = {family.name: np.zeros((len(family), len(family))) for family in channels.families}
    for begin in range(0, len(x), PART):
        values = trace(channels.graph, np.asarray(x[begin : begin + PART], np.float64))
        for node in readers:
            inside = _numbers(channels, node)
            for family in channels.families:
                if np.isin(inside, family.units).any():
                    grams[family.name] += _gram(channels.graph, node, values[node.inputs[0]], inside, family, begin)
    return {name: _greedy(gram) for name, gram in grams.items()}


def reads(node: Node) -> bool:
    """Whether a node is a layer whose every row reads every channel."""
    return node.op == "Linear" or (node.op == "Conv" and int(node.attrs["group"]) == 1)


def patches(graph: Graph, node: Node, x: Array, seed: int) -> tuple[Array, tuple[Array, ...]]:
    """([places, columns] that a layer's rows are multiplied with, where in its output they are: (sample, y, x)).

    x: [n, ...], what it reads. Of a Conv PLACES a sample, drawn by the seed; of a Linear the one that there is.
    """
    if node.op == "Linear":
        return x.reshape(len(x), -1), (np.arange(len(x)),)
    kernel = graph.constants[node.inputs[1]].shape[2:]
    height, width = axes(node, x.shape, kernel)
    laid, rng = columns(x, height, width), np.random.default_rng([seed, 5])
    sample = np.repeat(np.arange(len(x)), PLACES)
    down, across = rng.integers(0, height.count, sample.size), rng.integers(0, width.count, sample.size)
    taken = laid[:, :, :, sample, down, across]
    return taken.reshape(-1, sample.size).T, (sample, down, across)


def at(values: Array, places: tuple[Array, ...]) -> Array:
    """[places, out] of a layer's output [n, out, ...]."""
    if len(places) == 1:
        return values.reshape(len(values), -1)
    sample, down, across = places
    return values[sample, :, down, across]


def _numbers(channels: Channels, node: Node) -> Array:
    """int64 [columns]: the unit of each of a layer's columns."""
    numbers = channels.of[node.inputs[0]]
    if node.op == "Linear":
        return numbers.ravel()
    taps = int(np.prod(channels.graph.constants[node.inputs[1]].shape[2:]))
    return np.repeat(numbers.reshape(len(numbers), -1)[:, 0], taps)


def _gram(graph: Graph, node: Node, x: Array, inside: Array, family: Family, seed: int) -> Array:
    """[n, n]: products of what units give to a layer's output, summed over places and rows."""
    rows, _ = patches(graph, node, x, seed)
    weight = graph.constants[node.inputs[1]].astype(np.float64)
    weight = weight.reshape(len(weight), -1)
    given = np.zeros((len(family), len(rows) * len(weight)))
    for place, unit in enumerate(family.units.tolist()):
        mine = inside == unit
        if mine.any():
            given[place] = (rows[:, mine] @ weight[:, mine].T).ravel()
    return given @ given.T


def _greedy(gram: Array) -> Array:
    """float64 [n]: the step at which each goes."""
    count = len(gram)
    order, gone, cross = np.zeros(count), np.zeros(count, bool), np.zeros(count)
    for step in range(count):
        rise = np.where(gone, np.inf, 2 * cross + np.diag(gram))
        chosen = int(np.argmin(rise))
        order[chosen], gone[chosen] = step, True
        cross += gram[chosen]
    return order


def repaired(before: Channels, kept: Kept, x: Array) -> Graph:
    """The graph `cut` to those units, with weights solved so that each layer that lost columns gives what it gave, by
    least squares on samples x, layer after layer (He et al., "Channel pruning for accelerating very
    deep neural networks", ICCV 2017, equation 5, on what comes from the layers that were solved before it)."""
    x, after = np.asarray(x, np.float64), cut(before, kept)
    lost = list(_lost(before, after))
    truth = trace(before.graph, x, keep=tuple(old.outputs[0] for old, _ in lost))
    for old, node in lost:
        values = trace(after, x, keep=(node.inputs[0],))
        rows, places = patches(after, node, values[node.inputs[0]], 0)
        wanted = at(truth[node.outputs[0]], places)
        made = _rows_left(before, kept, old)
        weight, bias = (after.constants[name] for name in node.inputs[1:])
        solved = _solved(rows, wanted[:, made], weight.reshape(len(weight), -1).astype(np.float64), bias)
        changes = {node.inputs[1]: solved[:, :-1].astype(np.float32).reshape(weight.shape)}
        after = after.with_constants({**changes, node.inputs[2]: solved[:, -1]})
    return after


def _lost(before: Channels, after: Graph) -> Iterator[tuple[Node, Node]]:
    """(before, after) of the layers that lost columns."""
    for old, new in zip(before.graph.nodes, after.nodes, strict=True):
        if reads(old):
            had, has = (graph.constants[old.inputs[1]].shape[1] for graph in (before.graph, after))
            if had != has:
                yield old, new


def _rows_left(before: Channels, kept: Kept, node: Node) -> Array:
    """Bool [out]: the rows of a layer that stay."""
    for family in before.families:
        if family.name in kept and node.name in family.rows:
            return np.asarray(kept[family.name][family.rows[node.name]])
    return np.ones(len(before.graph.constants[node.inputs[1]]), bool)


def _solved(rows: Array, wanted: Array, weight: Array, bias: Array) -> Array:
    """[out, columns + 1], the bias last: least squares, held to what was there by RIDGE."""
    ones = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    start = np.concatenate([weight, bias[:, None]], axis=1)
    square = ones.T @ ones
    hold = RIDGE * float(np.diag(square).mean()) * np.eye(len(square))
    solution = np.linalg.solve(square + hold, ones.T @ (wanted - ones @ start.T))
    return np.asarray(start + solution.T)
