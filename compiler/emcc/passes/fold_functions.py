"""Functions that exporters spell out (x * clip(x + 3, 0, 6) / 6) become the operators that they are."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from emcc import ops
from emcc.ir.graph import Array, Graph, Node
from emcc.passes.fold_draft import Draft

MOST = 12
"""Nodes of a function that is spelt out."""

NAMED: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("HardSwish", {}),
    ("Swish", {"alpha": 1.0}),
    ("Swish", {"alpha": 1.702}),
    ("Gelu", {"approximate": "none"}),
    ("Gelu", {"approximate": "tanh"}),
    ("Mish", {}),
    ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    ("HardSigmoid", {"alpha": 0.2, "beta": 0.5}),
    ("Softplus", {}),
    ("Sigmoid", {}),
    ("Softsign", {}),
    ("Bipolar", {"step": 1.0}),
    ("Bipolar", {"step": 0.5}),
)
"""What a function is held against."""

GRID = np.concatenate([np.linspace(-20, 20, 401), np.linspace(-1, 1, 41), [0.0, -1e-30, 1e-30]])
CLOSE = 2e-6
"""Of a function's value; constants are rounded to float32."""


def named_functions(graph: Graph) -> Graph:
    """The graph with one operator in the place of nodes that together are a known function of one tensor."""
    draft = Draft(graph)
    before = draft.nodes
    _fold(draft)
    return graph if draft.nodes == before else draft.build()


def _fold(draft: Draft) -> None:
    for end in list(reversed(draft.nodes)):
        if any(node is end for node in draft.nodes) and _scalar(draft, end):
            for x, region in _regions(draft, end):
                named = _named(draft, x, region)
                if named is not None:
                    draft.release(region)
                    draft.replace(region, [replace(end, op=named[0], inputs=(x,), attrs=dict(named[1]))])
                    break


def _scalar(draft: Draft, node: Node) -> bool:
    """Whether a node does the same to every element: its constants are single numbers."""
    return "elementwise" in ops.traits(node.op) and all(
        draft.constants[name].size == 1 for name in node.inputs if name in draft.constants
    )


def _regions(draft: Draft, end: Node) -> Iterator[tuple[str, list[Node]]]:
    """(the tensor, the nodes) for each tensor of which the nodes up to `end` are a function; the most nodes first."""
    taken, inner = [end], True
    while inner and len(taken) <= MOST:
        inner = False
        names = {id(node) for node in taken}
        for name in dict.fromkeys(name for node in taken for name in draft.computed(node)):
            maker = draft.producer(name)
            if maker is None or id(maker) in names or name in draft.outputs or not _scalar(draft, maker):
                continue
            if all(id(user) in names for user in draft.users(name)):
                taken.append(maker)
                inner = True
                break
    ordered = [node for node in draft.nodes if any(node is one for one in taken)]
    for x in dict.fromkeys(name for node in ordered for name in draft.computed(node)):
        region = between(draft, ordered, x)
        if len(region) > 1 and region[-1] is end and draft.shape(x) == draft.shape(end.outputs[0]):
            yield x, region


def between(draft: Draft, ordered: list[Node], x: str) -> list[Node]:
    """Return the nodes that depend on x; none where they need more, or something else reads what is between."""
    known, region = {x}, list[Node]()
    for node in ordered:
        read = draft.computed(node)
        if any(name in known for name in read):
            if not all(name in known for name in read):
                return []
            region.append(node)
            known.update(node.outputs)
    gone = {id(node) for node in region}
    inner = {name for node in region[:-1] for name in node.outputs}
    closed = all(id(user) in gone for name in inner for user in draft.users(name))
    return region if closed and not inner & set(draft.outputs) else []


def evaluated(region: list[Node], x: str, value: Array, constant: Callable[[str], Array]) -> Array:
    """Return what nodes, in order, make of x, in float64. Values go once nothing reads them any more."""
    values = {x: value}
    last = {name: place for place, node in enumerate(region) for name in node.inputs}
    with np.errstate(all="ignore"):
        for place, node in enumerate(region):
            arguments = [values[name] if name in values else constant(name) for name in node.inputs]
            values[node.outputs[0]] = np.asarray(ops.get(node.op).evaluate(np, node, *arguments), np.float64)
            for name in {name for name in node.inputs if name in values and last[name] == place}:
                del values[name]
    return values[region[-1].outputs[0]]


def _named(draft: Draft, x: str, region: list[Node]) -> tuple[str, Mapping[str, Any]] | None:
    """The known function that a region is."""
    found = evaluated(region, x, GRID, lambda name: draft.constants[name].astype(np.float64).reshape(()))
    with np.errstate(all="ignore"):
        for op, attrs in NAMED:
            wanted = ops.get(op).evaluate(np, replace(region[-1], op=op, attrs=attrs), GRID)
            if np.allclose(found, wanted, CLOSE, CLOSE):
                return op, attrs
    return None
