"""How far tensors can go, from the weights and the input's range alone: what formats come from without data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from emcc import ops
from emcc.ir.batch import ends
from emcc.ir.graph import PLAIN, Array, Graph, Node
from emcc.ops.interpret import trace
from emcc.passes.functions import apply_function

SIGMAS = 12.0
"""Standard deviations that a sum of many inputs is taken to keep to, where the proven bound is farther."""

INPUT_SIGMAS = 4.0
"""Standard deviations of an input in its range."""

COMMON = 2.0
"""What all elements of an input may be at once, as in a bright image: what they have in common adds up in a sum whose
weights have one sign."""

UNIT = ("L1", "L2")
"""Norms that no element is larger than."""

_POINTS, _WEIGHTS = np.polynomial.hermite_e.hermegauss(33)


@dataclass(frozen=True)
class Range:
    """What is known of a tensor, float64 in the shape of [1, ...] sample.

    Attributes:
        low, high: bounds of every element. mean, var: of an element, were inputs independent.
        proven: whether low and high are interval arithmetic all the way.
    """

    low: Array
    high: Array
    mean: Array
    var: Array
    proven: bool = True

    def ends(self) -> Array:
        """[2, ...]: the lowest and the highest sample."""
        return np.concatenate([self.low, self.high])


def ranges(graph: Graph, reach: float) -> dict[str, Range] | None:
    """By tensor, for inputs from -reach to reach; None where a node is of a kind that nothing is known of.

    Samples over their L1 or L2 norm go from -1 to 1, whatever `reach` is, and then to where their affine puts them.

    What a quantised model states of a tensor (Graph.ranges) takes the place of what is reckoned.

    A sum is within its interval, and within SIGMAS standard deviations of independent inputs (each a quarter of
    `reach`): whichever is less. Intervals alone lose some log2(sqrt(n)) bits a layer of n inputs.
    """
    taken = ends(graph).items()
    known = {name: _entering(graph, name, (1, *shape), reach) for name, shape in taken}
    for node in graph.nodes:
        rule, (output,) = _rule(node), node.outputs
        constant = any(name in graph.constants for name in node.inputs)
        if output in graph.ranges:
            shape = (1, *(int(size or 1) for size in graph.tensors[output].shape[1:]))
            known[output] = _stated(graph, output, shape, *graph.ranges[output])
        elif rule is None or (constant and rule is not _layer):
            return None
        else:
            known[output] = rule(graph, node, known)
    return known


def together(graph: Graph, reach: float) -> dict[str, Array]:
    """What every tensor is where all elements of the inputs are COMMON, or -COMMON, or `reach` where that is less.

    float64 [2, ...] by tensor; nothing where a model states ranges, or divides its samples by their norms.
    """
    if graph.ranges or any(graph.affines.get(name, PLAIN).norm for name in graph.inputs):
        return {}
    far = min(COMMON, reach)
    given = {name: np.stack([np.full(shape, far), np.full(shape, -far)]) for name, shape in ends(graph).items()}
    return trace(graph.with_(affines={}), given)


def _entering(graph: Graph, name: str, shape: tuple[int, ...], reach: float) -> Range:
    """What the input can be, once the host has done its part."""
    affine = graph.affines.get(name, PLAIN)
    if affine.norm not in UNIT:
        return _stated(graph, name, shape, *graph.ranges.get(name, (-reach, reach)))
    scale, offset = (np.broadcast_to(part, shape[1:])[None] for part in (affine.scale, affine.offset))
    ends = [(end - offset) * scale for end in (-1.0, 1.0)]
    return Range(np.minimum(*ends), np.maximum(*ends), -offset * scale, np.square(scale / INPUT_SIGMAS))


def _stated(graph: Graph, name: str, shape: tuple[int, ...], low: float, high: float) -> Range:
    """Every element from low to high."""
    middle, spread = np.full(shape, (low + high) / 2), np.full(shape, ((high - low) / 2 / INPUT_SIGMAS) ** 2)
    return Range(np.full(shape, low), np.full(shape, high), middle, spread, name in graph.inputs)


Rule = Callable[[Graph, Node, Mapping[str, Range]], Range]


def _rule(node: Node) -> Rule | None:
    if node.op in ("Linear", "Conv"):
        return _layer
    traits = ops.traits(node.op)
    if "activation" in traits:
        return _function
    if node.op in ("Add", "Sub", "Mul") and len(node.inputs) == 2:
        return _joined
    if node.op in ("AveragePool", "GlobalAveragePool") or "selects" in traits:
        return _moved
    return None


def _layer(graph: Graph, node: Node, known: Mapping[str, Range]) -> Range:
    """Sums: the largest by the signs of weights, variances by their squares."""
    x, weight = known[node.inputs[0]], graph.constants[node.inputs[1]].astype(np.float64)
    bias = graph.constants[node.inputs[2]].astype(np.float64)

    def by(weights: Array, values: Array, added: Array) -> Array:
        return np.asarray(ops.get(node.op).evaluate(np, node, values, weights, added), np.float64)

    up, down, none = np.maximum(weight, 0), np.minimum(weight, 0), np.zeros_like(bias)
    low = by(up, x.low, bias) + by(down, x.high, none)
    high = by(up, x.high, bias) + by(down, x.low, none)
    mean, var = by(weight, x.mean, bias), by(np.square(weight), x.var, none)
    reach = SIGMAS * np.sqrt(var)
    near_low, near_high = np.maximum(low, mean - reach), np.minimum(high, mean + reach)
    proven = x.proven and bool((near_low == low).all() and (near_high == high).all())
    return Range(near_low, near_high, mean, var, proven)


def _function(_graph: Graph, node: Node, known: Mapping[str, Range]) -> Range:
    """A function, where it ends and turns; moments as of a normal distribution."""
    z = known[node.inputs[0]]
    turns = (np.clip(turn, z.low, z.high) for turn in (0.0, *ops.get(node.op).turns_of(node.attrs)))
    ends = [apply_function(node, values) for values in (z.low, z.high, *turns)]
    values = apply_function(node, z.mean[..., None] + np.sqrt(z.var)[..., None] * _POINTS)
    share = _WEIGHTS / _WEIGHTS.sum()
    mean = values @ share
    var = np.square(values - mean[..., None]) @ share
    return Range(np.minimum.reduce(ends), np.maximum.reduce(ends), mean, var, z.proven)


def _moved(_graph: Graph, node: Node, known: Mapping[str, Range]) -> Range:
    """What only moves, selects or averages elements does the same to their bounds."""
    read = [known[name] for name in node.inputs]
    low, high, mean, var = (
        np.asarray(ops.get(node.op).evaluate(np, node, *(getattr(each, part) for each in read)))
        for part in ("low", "high", "mean", "var")
    )
    return Range(low, high, mean, var, all(each.proven for each in read))


def _joined(_graph: Graph, node: Node, known: Mapping[str, Range]) -> Range:
    """Sums, differences and products of two tensors."""
    a, b = (known[name] for name in node.inputs)
    proven = a.proven and b.proven
    if node.op == "Mul":
        corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        var = (a.var + np.square(a.mean)) * (b.var + np.square(b.mean)) - np.square(a.mean * b.mean)
        return Range(np.minimum.reduce(corners), np.maximum.reduce(corners), a.mean * b.mean, var, proven)
    if node.op == "Sub":
        b = Range(-b.high, -b.low, -b.mean, b.var)
    return Range(a.low + b.low, a.high + b.high, a.mean + b.mean, a.var + b.var, proven)
