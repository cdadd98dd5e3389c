"""Normalisations by what a sample itself holds: LRN, layer, instance, group and RMS normalisation, and by Lp norms.

LRN: x / (bias + alpha / size * (sum of squares over `size` channels around))**beta. The others: (x - mean) /
sqrt(var + epsilon), times a scale, plus a bias, with mean and variance over all axes from `axis` on (Layer; RMS: the
mean is taken as 0), over a channel's positions (Instance), or over those of each of `num_groups` groups of channels.
LpNormalization: x over its norm `p` (1 or 2) along `axis`; 0 where that is 0.
"""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.functions import root
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched, broadcast


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """That of x."""
    x, rest = batched(shapes[0]), [shape for shape in shapes[1:] if shape is not None]
    axis = node.attrs.get("axis", 1)
    if len(x) < 2 or not 1 <= axis < len(x):
        raise ValueError(f"{x} has no axis {axis}")
    if node.op in ("LayerNormalization", "RMSNormalization"):
        if any(broadcast(x, part) != x for part in rest):
            raise ValueError(f"{x}, scale and bias {rest}")
    elif any(part != (x[1],) for part in rest) or int(x[1] or 1) % node.attrs.get("num_groups", 1):
        raise ValueError(f"{x}, scale and bias {rest}, {node.attrs.get('num_groups', 1)} groups")
    return x


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, ...]."""
    x, scale, bias = (*values, None, None)[:3]
    if node.op == "LRN":
        return _local(xp, node, x)
    if node.op == "LpNormalization":
        return _by_norm(xp, node, x)
    rank = len(x.shape)
    if node.op in ("LayerNormalization", "RMSNormalization"):
        axes = tuple(range(node.attrs["axis"], rank))
        y = _normal(xp, x, axes, node.attrs["epsilon"], node.op == "LayerNormalization")
    else:
        groups = int(node.attrs.get("num_groups", x.shape[1]))
        y = _normal(xp, x.reshape(len(x), groups, -1), (2,), node.attrs["epsilon"]).reshape(x.shape)
        scale, bias = (part.reshape(-1, *(1,) * (rank - 2)) for part in (scale, bias))
    y = y if scale is None else y * scale
    return y if bias is None else y + bias


def _normal(xp: Any, x: Any, axes: tuple[int, ...], epsilon: float, centred: bool = True) -> Any:
    if centred:
        x = x - xp.mean(x, axis=axes, keepdims=True)
    return x / xp.sqrt(xp.mean(x * x, axis=axes, keepdims=True) + epsilon)


def _local(xp: Any, node: Node, x: Any) -> Any:
    size, channels = int(node.attrs["size"]), x.shape[1]
    before = (size - 1) // 2
    square, total = x * x, 0
    for offset in range(-before, size - before):
        low, high = max(0, -offset), min(channels, channels - offset)
        if low >= high:
            continue
        part = square[:, low + offset : high + offset]
        ends = [xp.zeros_like(square[:, :count]) for count in (low, channels - high)]
        total = total + xp.concatenate([ends[0], part, ends[1]], axis=1)
    return x / (node.attrs["bias"] + node.attrs["alpha"] / size * total) ** node.attrs["beta"]


def _by_norm(xp: Any, node: Node, x: Any) -> Any:
    axis = node.attrs["axis"]
    if node.attrs["p"] == 1:
        norm = xp.sum(xp.abs(x), axis=axis, keepdims=True)
    else:
        norm = root(xp, xp.sum(x * x, axis=axis, keepdims=True))
    return xp.where(norm == 0, 0 * x, x / xp.where(norm == 0, norm + 1, norm))
