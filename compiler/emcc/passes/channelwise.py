"""Arithmetic that scales and shifts whole channels of a map."""

import numpy as np

from emcc import ops
from emcc.ir.graph import Array, Graph, Node
from emcc.passes.fold_affine import Constants, affine

Channels = tuple[Array, Array]
"""float64 [channels] each: scales, offsets."""


def by_channel(value: Array, rank: int) -> bool:
    """Whether a constant that goes with a sample of `rank` axes has one number for all elements of a channel."""
    return all(size == 1 for size in value.shape[max(0, value.ndim - rank + 1) :])


def channels_of(node: Node, constants: Constants, shape: tuple[int, ...]) -> Channels | None:
    """(scale, offset) of each channel, where a node is arithmetic that treats each channel of a [C, H, W] as a whole.

    `shape` is that of a sample of what it reads, and makes.
    """
    computed = [name for name in node.inputs if name not in constants]
    if "affine" not in ops.traits(node.op) or len(computed) != 1 or len(shape) != 3:
        return None
    values = affine(node, constants, len(shape))
    if any(value is not None and not by_channel(value, len(shape)) for value in values):
        return None
    scale, offset = (
        np.full(shape[0], float(default)) if value is None else np.broadcast_to(value, (shape[0], 1, 1)).ravel()
        for value, default in zip(values, (1, 0), strict=True)
    )
    return scale, offset


def scales_channels(graph: Graph, node: Node) -> Channels | None:
    """(scale, offset) of each channel where a node of a graph is such arithmetic, and leaves the shape."""
    names = [name for name in node.inputs if name in graph.tensors]
    if len(names) != 1 or graph.tensors[names[0]].shape != graph.tensors[node.outputs[0]].shape:
        return None
    shape = tuple(int(size or 1) for size in graph.tensors[names[0]].shape[1:])
    return channels_of(node, graph.constants, shape)
