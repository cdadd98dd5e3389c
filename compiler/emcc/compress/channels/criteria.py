"""What a channel is worth, by papers: float64 [out] by layer, of Linear and Conv nodes; the least goes first."""

from collections.abc import Mapping
from itertools import islice

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.compress.channels.families import Channels
from emcc.compress.parameters import leaves_of
from emcc.compress.problem import Problem
from emcc.ir.graph import Array, Graph
from emcc.ops.interpret import outputs, trace
from emcc.passes.layers import Layer, linear_layers

Worth = dict[str, Array]

BINS, BLOCK = 100, 256
"""Bins of an entropy's histogram; samples that are run at a time."""


def layers_of(channels: Channels) -> list[Layer]:
    """The layers whose channels may go."""
    names = {name for family in channels.families for name in family.rows}
    return [layer for layer in linear_layers(channels.graph) if layer.node.name in names]


def norms(channels: Channels) -> Worth:
    """The sum of a filter's |w| (Li et al., "Pruning filters for efficient ConvNets", ICLR 2017, section 3.1)."""
    worth = {}
    for layer in layers_of(channels):
        weight = np.abs(channels.graph.constants[layer.weight].astype(np.float64))
        worth[layer.node.name] = weight.reshape(len(weight), -1).sum(axis=1)
    return worth


def entropies(channels: Channels, x: Array) -> Worth:
    """The entropy of a channel's mean activation over samples x (Luo and Wu, "An entropy-based pruning method for CNN
    compression", 2017, equation 1): of a histogram of BINS from the channel's least to its greatest, in bits."""
    layers = layers_of(channels)
    pooled: dict[str, list[Array]] = {layer.y: [] for layer in layers}
    for begin in range(0, len(x), BLOCK):
        values = trace(channels.graph, x[begin : begin + BLOCK], keep=tuple(pooled))
        for name, parts in pooled.items():
            parts.append(values[name].reshape(*values[name].shape[:2], -1).mean(axis=2))
    return {layer.node.name: _entropy(np.concatenate(pooled[layer.y])) for layer in layers}


def _entropy(means: Array) -> Array:
    """float64 [channels], of [n, channels]."""
    result = np.zeros(means.shape[1])
    for place, column in enumerate(means.T):
        share = np.histogram(column, BINS)[0] / len(column)
        share = share[share > 0]
        result[place] = float(-(share * np.log2(share)).sum())
    return result


def gammas(source: Graph) -> Worth:
    """|scale| of the BatchNormalization that alone follows a layer, by the layer's name, of a graph before folding
    (Network Slimming, Liu et al., ICCV 2017: trained with a penalty on it, it says what a channel is worth)."""
    readers: dict[str, list[int]] = {}
    for place, node in enumerate(source.nodes):
        for name in node.inputs:
            readers.setdefault(name, []).append(place)
    found: Worth = {}
    for node in source.nodes:
        after = readers.get(node.outputs[0], [])
        if node.op in ("Conv", "Gemm", "MatMul") and len(after) == 1:
            norm = source.nodes[after[0]]
            if norm.op == "BatchNormalization" and norm.inputs[0] == node.outputs[0]:
                found[node.name] = np.abs(source.constants[norm.inputs[1]].astype(np.float64)).ravel()
    return found


def slimming(channels: Channels, known: Mapping[str, Array]) -> Worth:
    """Of `gammas`. EmccError where a layer has none: it was no BatchNormalization's, or the file has it folded."""
    worth, missing = {}, []
    for layer in layers_of(channels):
        own, count = known.get(layer.node.name), len(channels.graph.constants[layer.weight])
        if own is None or len(own) != count:
            missing.append(layer.node.name)
        else:
            worth[layer.node.name] = own
    if missing:
        raise EmccError(
            '[filters] criterion = "slimming" needs a BatchNormalization behind every layer that may lose channels',
            details=[f"layer {printable(name)!r} has none in the file" for name in missing],
            hint="export the model with its BatchNormalization unfolded and apart, or take another criterion",
        )
    return worth


def taylor(channels: Channels, problem: Problem, steps: int) -> Worth:
    """|mean over a map of activation times gradient|, averaged over samples, and divided by the layer's L2 norm
    (Molchanov et al., "Pruning convolutional neural networks for resource efficient inference", ICLR 2017, equations
    8 and 10), over so many batches of training samples that are not augmented."""
    graph, torch = channels.graph, problem.torch
    layers = layers_of(channels)
    wanted, held = {layer.y for layer in layers}, {}

    def through(name: str, value: object) -> object:
        if name in wanted:
            held[name] = value
            value.retain_grad()  # type: ignore[attr-defined]
        return value

    leaves = leaves_of(torch, {layer.weight: graph.constants[layer.weight] for layer in linear_layers(graph)})
    sums = {layer.y: np.zeros(len(graph.constants[layer.weight])) for layer in layers}
    for rows, x, target in islice(problem.epoch(0, clean=1.0), steps):
        values = trace(graph, x, torch, leaves, keep=graph.outputs, through=through)
        loss = problem.loss(outputs(graph, values, torch).flatten(1), rows, target) * len(rows)
        loss.backward()
        for name, value in held.items():
            product = (value * value.grad).detach().numpy().astype(np.float64)  # type: ignore[attr-defined]
            sums[name] += np.abs(product.reshape(*product.shape[:2], -1).mean(axis=2)).sum(axis=0)
    result = {}
    for layer in layers:
        size = float(np.sqrt(np.square(sums[layer.y]).sum()))
        result[layer.node.name] = sums[layer.y] / size if size > 0 else sums[layer.y]
    return result
