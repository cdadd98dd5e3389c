"""Choices of exactly so many weights, and weights that cannot matter."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emcc.compress.importance.ranking import SCORES, all_of
from emcc.ir.graph import Array, Graph
from emcc.ops import traits


def removed(size: int, fraction: float) -> int:
    """How many of `size` weights `fraction` is: the nearest whole number."""
    return int(np.floor(size * fraction + 0.5))


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


def score(kind: str, weights: Mapping[str, Array], curvature: Mapping[str, float]) -> dict[str, Array]:
    """What each weight is worth between layers, float64, flat; zeros are worth -1.

    `kind` is one of ranking.SCORES, or "scan": the layer's curvature times the square.
    """
    worth = {}
    for name, values in weights.items():
        size = np.abs(values.ravel())
        flat = curvature[name] * size.astype(np.float64) ** 2 if kind == "scan" else all_of(size, SCORES[kind])
        worth[name] = np.where(size == 0, -1.0, flat)
    return worth


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
    parts = np.split(more, np.cumsum([values.size for values in steep.values()])[:-1])
    return {name: mask | part.reshape(mask.shape) for (name, mask), part in zip(masks.items(), parts, strict=True)}


def dead(graph: Graph, masks: Mapping[str, Array]) -> dict[str, Array]:
    """Weights that cannot change the output, or only as a bias could: flat bool by weight constant.

    A channel that no weight leaves needs none that enter; one that no weight enters is constant, and needs none that
    leave. Seen where a layer's channels reach one other layer, through operators that keep channels apart.
    """
    useless = {name: np.zeros(mask.shape, bool) for name, mask in masks.items()}
    for name, after, blocks in links(graph):
        shape = graph.constants[name].shape
        rows = masks[name].reshape(shape[0], -1)
        columns = masks[after].reshape(graph.constants[after].shape[0], shape[0], blocks)
        unused = np.logical_not(columns.any(axis=(0, 2)))
        constant = np.asarray(np.logical_not(rows.any(axis=1)))
        useless[name] |= np.repeat(unused, rows.shape[1])
        useless[after] |= np.broadcast_to(constant[:, None], columns.shape).ravel()
    return {name: useless[name] & masks[name] for name in useless}


def links(graph: Graph) -> list[tuple[str, str, int]]:
    """(weight, weight of the next layer, columns there a channel) where channels meet only in that next layer."""
    readers: dict[str, list[Any]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    pairs: list[tuple[str, str, int]] = []
    for node in graph.layers():
        if node.op not in ("Conv", "Linear"):
            continue
        at, channels = node.outputs[0], graph.constants[node.inputs[1]].shape[0]
        while len(readers.get(at, [])) == 1 and "channel-wise" in traits(readers[at][0].op) and at not in graph.outputs:
            at = readers[at][0].outputs[0]
        after = readers.get(at, [])
        if (
            len(after) != 1
            or ("convolution" not in traits(after[0].op) and after[0].op != "Linear")
            or at in graph.outputs
        ):
            continue
        weight = graph.constants[after[0].inputs[1]]
        columns = weight.size // weight.shape[0]
        if after[0].attrs.get("group", 1) == 1 and node.attrs.get("group", 1) == 1 and columns % channels == 0:
            pairs.append((node.inputs[1], after[0].inputs[1], columns // channels))
    return pairs


def choose(
    graph: Graph, kind: str, weights: Mapping[str, Array], curvature: Mapping[str, float], count: int
) -> dict[str, Array]:
    """The `best` weights by a score; see there and `score`."""
    return best(graph, weights, score(kind, weights, curvature), count)


def best(graph: Graph, weights: Mapping[str, Array], worth: Mapping[str, Array], count: int) -> dict[str, Array]:
    """Masks in the weights' shapes of exactly `count` weights (fewer only where fewer are not zero).

    worth: of each weight, flat; -1 of zeros. What cannot matter makes room for what can.
    """
    nonzero = sum(int(np.count_nonzero(values)) for values in weights.values())
    count = min(count, nonzero)
    masks = largest(worth, count)
    for _ in range(8):
        useless = dead(graph, masks)
        if not any(mask.any() for mask in useless.values()):
            break
        worth = {name: np.where(useless[name], -0.5, worth[name]) for name in worth}
        masks = largest(worth, count)
    return {name: mask.reshape(weights[name].shape) for name, mask in masks.items()}
