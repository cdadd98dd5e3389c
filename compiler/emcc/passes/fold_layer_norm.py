"""Layer and RMS normalisations that exporters spell out (means, differences, a root) become these operators.

Models of opsets before 17 have no LayerNormalization. As one operator it is one part of the host, and nothing rounds
its mean and variance. It is known by what it computes, not by its nodes: these are run on random numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod

import numpy as np

from emcc import ops
from emcc.ir.graph import Array, Graph, Node
from emcc.passes.fold_draft import Draft
from emcc.passes.fold_functions import between, evaluated

MOST = 32
"""Nodes of a normalisation that is spelt out; each mean is up to five."""

MEANS = frozenset({"AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceSum"})
WITHIN = frozenset({"elementwise", "moves"})
SAMPLES = 3
LARGEST = 1 << 20
"""Elements of a sample of each tensor up to which one is looked for."""

TRIED = 4
"""Numbers that may be epsilon, 0 among them."""

CLOSE = 1e-6
"""Of the largest output; constants are rounded to float32."""


def named_norms(graph: Graph) -> Graph:
    """The graph with one LayerNormalization or RMSNormalization in the place of nodes that together are one."""
    if not any(node.op in MEANS for node in graph.nodes):
        return graph
    draft = Draft(graph)
    makers = _makers(draft)
    for end in reversed(graph.nodes):
        if makers.get(end.outputs[0]) is end and "elementwise" in ops.traits(end.op):
            for x, region in _regions(draft, end, makers):
                made = _named(draft, x, region)
                if made is not None:
                    draft.release(region)
                    draft.replace(region, [_node(draft, end, x, *made)])
                    makers = _makers(draft)
                    break
    return graph if len(draft.nodes) == len(graph.nodes) else draft.build()


def _makers(draft: Draft) -> dict[str, Node]:
    """The node that makes a tensor, in the order of nodes."""
    return {name: node for node in draft.nodes for name in node.outputs}


def _node(draft: Draft, end: Node, x: str, op: str, axis: int, epsilon: float, scale: Array, bias: Array) -> Node:
    """The operator, under the name of the last node that it is made of."""
    inputs = [x, draft.constant(f"{end.name}.scale", scale)]
    if bias.any():
        inputs.append(draft.constant(f"{end.name}.bias", bias))
    return replace(end, op=op, inputs=tuple(inputs), attrs={"axis": axis, "epsilon": epsilon})


def _regions(draft: Draft, end: Node, makers: Mapping[str, Node]) -> Iterator[tuple[str, list[Node]]]:
    """(the tensor, the nodes) for each tensor of that shape on which all nodes up to `end` depend; most nodes first."""
    shape = draft.shape(end.outputs[0])
    taken = {id(end): end}
    waiting = draft.computed(end)
    while waiting and len(taken) <= MOST:
        maker = makers.get(waiting.pop())
        if maker is not None and id(maker) not in taken and _may_be_within(maker):
            taken[id(maker)] = maker
            waiting += draft.computed(maker)
    if not any(node.op in MEANS for node in taken.values()):
        return
    ordered = [node for node in draft.nodes if id(node) in taken]
    for x in dict.fromkeys(name for node in ordered for name in draft.computed(node)):
        if draft.shape(x) == shape and sum(x in node.inputs for node in ordered) > 1:
            region = between(draft, ordered, x)
            if region[-1:] == [end] and any(node.op in MEANS for node in region) and not _too_large(draft, region):
                yield x, region


def _may_be_within(node: Node) -> bool:
    return node.op in MEANS or bool(ops.traits(node.op) & WITHIN)


def _too_large(draft: Draft, region: list[Node]) -> bool:
    names = {name for node in region for name in (*draft.computed(node), *node.outputs)}
    return any(draft.tensors[name].features > LARGEST for name in names)


def _named(draft: Draft, x: str, region: list[Node]) -> tuple[str, int, float, Array, Array] | None:
    """(operator, axis, epsilon, scale, bias) of the normalisation that a region is."""
    shape = draft.shape(x)
    drawn = np.random.default_rng(0).standard_normal((SAMPLES, *shape))
    added = {_number(draft, name) for node in region if node.op == "Add" for name in node.inputs}

    def made(value: Array) -> Array:
        return evaluated(region, x, value, lambda name: draft.constants[name].astype(np.float64))

    usual = 3 * drawn + 1
    of_usual = made(usual)
    for epsilon in sorted(value for value in added | {0.0} if 0 <= value < 1)[:TRIED]:
        # Numbers for which epsilon counts for little, and such for which it is half of what the root is taken of
        inputs = [usual, drawn * max(epsilon, 1e-12) ** 0.5]
        found = [of_usual, made(inputs[1])]
        if not all(np.isfinite(value).all() for value in found):
            continue
        for op in ("LayerNormalization", "RMSNormalization"):
            for axis in range(1, len(shape) + 1):
                node = Node("", op, (x,), (x,), {"axis": axis, "epsilon": epsilon})
                plain = [ops.get(op).evaluate(np, node, value) for value in inputs]
                fit = _fitted(plain, found, axis)
                if fit is not None and (op == "LayerNormalization" or not fit[1].any()):
                    return op, axis, epsilon, *fit
    return None


def _number(draft: Draft, name: str) -> float:
    """A constant that is one number; 1, which is no epsilon, for anything else."""
    value = draft.constants.get(name)
    return float(value.ravel()[0]) if value is not None and value.size == 1 else 1.0


def _fitted(plain: list[Array], found: list[Array], axis: int) -> tuple[Array, Array] | None:
    """(scale, bias), float32 of the axes from `axis` on, that make of normalised numbers those that were found."""
    rest = plain[0].shape[axis:]
    flat, wanted = (value.reshape(-1, prod(rest)) for value in (plain[0], found[0]))
    spread = flat - flat.mean(axis=0)
    power = (spread * spread).sum(axis=0)
    if not (power > 0).all():
        return None
    scale = (spread * wanted).sum(axis=0) / power
    bias = wanted.mean(axis=0) - scale * flat.mean(axis=0)
    bias[np.abs(bias) <= CLOSE * np.abs(wanted).max()] = 0
    single = scale.astype(np.float32).reshape(rest), bias.astype(np.float32).reshape(rest)
    for one, other in zip(plain, found, strict=True):
        if not np.allclose(one * single[0] + single[1], other, rtol=0, atol=CLOSE * np.abs(other).max()):
            return None
    return single
