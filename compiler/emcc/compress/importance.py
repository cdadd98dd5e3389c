"""Which weights stay: scores between layers, from a sensitivity scan; and weights that cannot matter."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emcc.compress.problem import Problem
from emcc.compress.state import State, graph_of
from emcc.ir.graph import Array, Graph

SPARSITIES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
THROUGH = ("Relu", "LeakyRelu", "Sigmoid", "Tanh", "MaxPool", "AveragePool", "GlobalAveragePool", "Flatten", "Reshape")


def smallest(scores: Array, count: int) -> Array:
    """A mask of exactly `count` smallest scores; of equal ones those with the lowest index."""
    mask = np.zeros(scores.size, bool)
    if count <= 0 or count >= scores.size:
        return ~mask if count > 0 else mask
    threshold = np.partition(scores, count - 1)[count - 1]
    mask[scores < threshold] = True
    ties = np.flatnonzero(scores == threshold)
    mask[ties[: count - int(np.count_nonzero(mask))]] = True
    return mask


def lamp(values: Array) -> Array:
    """Of |w|, flat: w**2 over the sum of the squares of all that are no smaller (Lee et al., ICLR 2021)."""
    order = np.argsort(values, kind="stable")
    squares = np.square(values[order] / (values.max(initial=0.0) or 1.0))
    tail = np.cumsum(squares[::-1])[::-1]
    worth = np.zeros_like(values)
    worth[order] = np.divide(squares, tail, out=np.zeros_like(squares), where=tail > 0)
    return worth


def pruned(weights: Array, sparsity: float) -> Array:
    """A copy without the smallest weights."""
    result = weights.copy()
    result.ravel()[smallest(np.abs(weights.ravel()), round(weights.size * sparsity))] = 0.0
    return result


def scan(problem: Problem, state: State) -> list[dict[str, Any]]:
    """Sensitivity: a layer at a time is pruned, the others not, without training; a row a layer and sparsity.

    `curvature` of a layer is the median over the sparsities of the rise of the held-out loss per sum of squares of
    the removed weights: how much a squared unit of that layer matters.
    """
    graph = problem.original
    loss, quality = problem.judge(graph_of(graph, state))
    rows = []
    for node in graph.layers():
        name = node.inputs[1]
        weights, found = state.weights[name], []
        energy = float(np.square(weights, dtype=np.float64).sum())
        points = []
        for sparsity in SPARSITIES:
            less = pruned(weights, sparsity)
            now, good = problem.judge(graph_of(graph, state).with_constants({name: less}))
            removed = energy - float(np.square(less, dtype=np.float64).sum())
            points.append({"sparsity": sparsity, "loss": now - loss, "quality": good - quality})
            found.append(max(now - loss, 0.0) / removed if removed > 0 else 0.0)
        rows.append({"layer": node.name, "weight": name, "curvature": float(np.median(found)), "points": points})
    return rows


def score(kind: str, weights: Mapping[str, Array], curvature: Mapping[str, float]) -> dict[str, Array]:
    """What each weight is worth between layers, float64, flat; zeros are worth -1.

    scan: the layer's curvature times the square. lamp: see passes.prune. magnitude: the absolute value.
    """
    found = {}
    for name, each in weights.items():
        flat = np.abs(each.ravel()).astype(np.float64)
        if kind == "scan":
            worth = curvature[name] * flat**2
        elif kind == "magnitude":
            worth = flat
        else:
            worth = lamp(flat)
        found[name] = np.where(flat == 0, -1.0, worth)
    return found


def largest(worth: Mapping[str, Array], count: int) -> dict[str, Array]:
    """Masks (flat bool) of exactly `count` weights, those of the greatest worth; one a layer at least, if it can be."""
    names = list(worth)
    joined = np.concatenate([worth[name] for name in names])
    offset = 0
    for name in names:
        joined[offset + int(np.argmax(worth[name]))] += max(1.0, float(joined.max())) if count >= len(names) else 0.0
        offset += worth[name].size
    keep = ~smallest(joined, joined.size - count)
    parts = np.split(keep, np.cumsum([worth[name].size for name in names])[:-1])
    return dict(zip(names, parts, strict=True))


def grown(masks: Mapping[str, Array], gradients: Mapping[str, Array], count: int) -> dict[str, Array]:
    """The masks and `count` more weights: of those outside, the ones whose gradients are the largest (Evci 2020)."""
    steep = {name: np.where(mask, -1.0, np.abs(gradients[name])).ravel() for name, mask in masks.items()}
    joined = np.concatenate(list(steep.values()))
    count = min(count, int(np.count_nonzero(joined >= 0)))
    more = np.asarray(np.logical_not(smallest(joined, joined.size - count)))
    parts = np.split(more, np.cumsum([each.size for each in steep.values()])[:-1])
    return {name: mask | part.reshape(mask.shape) for (name, mask), part in zip(masks.items(), parts, strict=True)}


def dead(graph: Graph, masks: Mapping[str, Array]) -> dict[str, Array]:
    """Weights that cannot change the output, or only as a bias could: flat bool by weight constant.

    A channel that no weight leaves needs none that enter; one that no weight enters is constant, and needs none that
    leave. Seen where a layer's channels reach one other layer, through operators that keep channels apart.
    """
    found = {name: np.zeros(mask.shape, bool) for name, mask in masks.items()}
    for name, after, blocks in links(graph):
        shape = graph.constants[name].shape
        rows = masks[name].reshape(shape[0], -1)
        columns = masks[after].reshape(graph.constants[after].shape[0], shape[0], blocks)
        unused = np.logical_not(columns.any(axis=(0, 2)))
        constant = np.asarray(np.logical_not(rows.any(axis=1)))
        found[name] |= np.repeat(unused, rows.shape[1])
        found[after] |= np.broadcast_to(constant[:, None], columns.shape).ravel()
    return {name: found[name] & masks[name] for name in found}


def links(graph: Graph) -> list[tuple[str, str, int]]:
    """(weight, weight of the next layer, columns there a channel) where channels meet only in that next layer."""
    readers: dict[str, list[Any]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    found = []
    for node in graph.layers():
        at, channels = node.outputs[0], graph.constants[node.inputs[1]].shape[0]
        while len(readers.get(at, [])) == 1 and readers[at][0].op in THROUGH and at not in graph.outputs:
            at = readers[at][0].outputs[0]
        after = readers.get(at, [])
        if len(after) != 1 or after[0].op not in ("Linear", "Conv") or at in graph.outputs:
            continue
        weight = graph.constants[after[0].inputs[1]]
        columns = weight.size // weight.shape[0]
        if after[0].attrs.get("group", 1) == 1 and node.attrs.get("group", 1) == 1 and columns % channels == 0:
            found.append((node.inputs[1], after[0].inputs[1], columns // channels))
    return found


def choose(
    graph: Graph, kind: str, weights: Mapping[str, Array], curvature: Mapping[str, float], count: int
) -> dict[str, Array]:
    """Masks in the weights' shapes of exactly `count` weights (fewer only where fewer are not zero).

    What cannot matter makes room for what can.
    """
    worth = score(kind, weights, curvature)
    nonzero = sum(int(np.count_nonzero(each)) for each in weights.values())
    count = min(count, nonzero)
    masks = largest(worth, count)
    for _ in range(8):
        useless = dead(graph, masks)
        if not any(each.any() for each in useless.values()):
            break
        worth = {name: np.where(useless[name], -0.5, worth[name]) for name in worth}
        masks = largest(worth, count)
    return {name: mask.reshape(weights[name].shape) for name, mask in masks.items()}
