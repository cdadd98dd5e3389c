"""Which channel every element of every tensor is, so that what is tied together is found: one number a channel.

A number begins where a layer makes a channel and is carried through the graph by the operators' own meaning. Where an
operator joins two channels element by element they get one number, since one cannot go without the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from emcc import ops
from emcc.ir.graph import Array, Graph, Node

FIXED = -1
"""Of an element that no layer's channel makes alone, and that stays."""

UNSEEN = "is not followed"


@dataclass
class Tied:
    """Numbers of channels, int64 in a sample's shape, by tensor; `root` and `pinned` a number each.

    Attributes:
        owners: by node's name, the numbers of the channels that a layer makes, in order.
        reasons: by number, (what keeps it, that node's name).
        lost: by node's name, why its output is not followed.
    """

    graph: Graph
    of: dict[str, Array] = field(default_factory=dict)
    owners: dict[str, Array] = field(default_factory=dict)
    reasons: dict[int, tuple[str, str]] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    _parents: list[int] = field(default_factory=list)

    def new(self, owner: str, count: int) -> Array:
        """So many new numbers."""
        numbers = np.arange(len(self._parents), len(self._parents) + count)
        self._parents += numbers.tolist()
        self.owners[owner] = numbers
        return numbers

    def find(self, number: int) -> int:
        """The number that stands for all that are tied to it."""
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def tie(self, pairs: Array) -> None:
        """[n, 2]: those of a row are one."""
        count = len(self._parents)
        for pair in np.unique(pairs[:, 0] * count + pairs[:, 1]).tolist():
            first, second = divmod(pair, count)
            low, high = sorted((self.find(first), self.find(second)))
            self._parents[high] = low

    def pin(self, numbers: Array, why: str, node: str) -> None:
        """These stay, and why."""
        for number in np.unique(numbers[numbers != FIXED]).tolist():
            self.reasons.setdefault(number, (why, node))

    def roots(self) -> Array:
        """int64 by number: what each is tied to."""
        return np.array([self.find(number) for number in range(len(self._parents))], np.int64)


def axis_of(numbers: Array) -> int | None:
    """The one axis along which the numbers differ; None where they are all the same.

    Raises:
        ValueError: they differ along several.
    """
    found = [axis for axis in range(numbers.ndim) if (numbers != np.take(numbers, [0], axis)).any()]
    if len(found) > 1:
        raise ValueError(f"channels along the axes {found}")
    return found[0] if found else None


def along(numbers: Array) -> Array:
    """[C]: of a tensor [C, ...] whose channels are its first axis. ValueError where they are not."""
    flat = numbers.reshape(len(numbers), -1)
    if (flat != flat[:, :1]).any():
        raise ValueError("channels are not the first axis")
    return flat[:, 0]


def tied(graph: Graph) -> Tied:
    """The numbers of a folded graph's channels."""
    state = Tied(graph)
    reads = [name for node in graph.nodes for name in node.inputs[1:] if name in graph.constants]
    shared = {name for name in reads if reads.count(name) > 1}
    for name in graph.inputs:
        state.of[name] = np.full(_sizes(graph, name), FIXED)
    for node in graph.nodes:
        (y,) = node.outputs
        shape = _sizes(graph, y)
        try:
            if shared & set(node.inputs):
                raise ValueError("shares a constant with another node")
            numbers = _rule(node)(state, node, shape)
            axis_of(numbers)
        except ValueError as error:
            state.lost[node.name] = why = str(error)
            for name in node.inputs:
                if name in state.of:
                    state.pin(state.of[name], why, node.name)
            state.pin(state.owners.get(node.name, np.empty(0, np.int64)), why, node.name)
            numbers = np.full(shape, FIXED)
        state.of[y] = numbers
    for name in graph.outputs:
        state.pin(state.of[name], "is an output", next(n.name for n in graph.nodes if n.outputs == (name,)))
    return state


def _sizes(graph: Graph, name: str) -> tuple[int, ...]:
    return tuple(int(size or 1) for size in graph.tensors[name].shape[1:])


Rule = Callable[[Tied, Node, tuple[int, ...]], Array]


def _rule(node: Node) -> Rule:
    """How a node carries numbers from its inputs to an output of that shape."""
    traits = ops.traits(node.op)
    if node.op in _RULES:
        return _RULES[node.op]
    if "elementwise" in traits:
        return _elementwise
    if "pooling" in traits:
        return _pooled
    return _moved if traits & {"moves", "picks", "padding"} else _unknown


def _unknown(state: Tied, node: Node, shape: tuple[int, ...]) -> Array:
    raise ValueError(UNSEEN)


def _linear(state: Tied, node: Node, shape: tuple[int, ...]) -> Array:
    return state.new(node.name, int(np.prod(shape))).reshape(shape)


def _conv(state: Tied, node: Node, shape: tuple[int, ...]) -> Array:
    channels, group = along(state.of[node.inputs[0]]), int(node.attrs["group"])
    if group == 1:
        made = state.new(node.name, shape[0])
    elif group == len(channels):
        made = np.repeat(channels, shape[0] // group)
    else:
        raise ValueError(f"is a convolution in {group} groups")
    return np.broadcast_to(made[:, None, None], shape)


def _elementwise(state: Tied, node: Node, shape: tuple[int, ...]) -> Array:
    given = [np.broadcast_to(state.of[name], shape) for name in node.inputs if name in state.of]
    result = given[0]
    for other in given[1:]:
        fixed = (result == FIXED) | (other == FIXED)
        if fixed.any():
            state.pin(np.stack([result, other])[:, fixed], "is joined with what stays", node.name)
        state.tie(np.stack([result[~fixed], other[~fixed]], axis=1))
        result = np.where(fixed, FIXED, result)
    return result


def _pooled(state: Tied, node: Node, shape: tuple[int, ...]) -> Array:
    channels = along(state.of[node.inputs[0]])
    return np.broadcast_to(channels.reshape(-1, *(1,) * (len(shape) - 1)), shape)


def _normalised(state: Tied, node: Node, shape: tuple[int, ...]) -> Array:
    along(state.of[node.inputs[0]])
    return state.of[node.inputs[0]]


def _concat(state: Tied, node: Node, shape: tuple[int, ...]) -> Array:
    if any(name not in state.of for name in node.inputs):
        raise ValueError("joins a constant")
    return np.concatenate([state.of[name] for name in node.inputs], axis=node.attrs["axis"] - 1)


def _moved(state: Tied, node: Node, shape: tuple[int, ...]) -> Array:
    """Moves of data, on the numbers themselves (0 is what a pad puts in); picks only beside the channels."""
    before = state.of[node.inputs[0]]
    moved = np.asarray(ops.get(node.op).evaluate(np, node, before[None] + 1)[0]) - 1
    if "moves" not in ops.traits(node.op):
        axis = axis_of(before)
        if axis is not None and (axis_of(moved) != axis or not np.array_equal(_line(moved, axis), _line(before, axis))):
            raise ValueError("picks some of the channels")
    return moved


def _line(numbers: Array, axis: int) -> Array:
    """The numbers along an axis."""
    return np.moveaxis(numbers, axis, 0).reshape(numbers.shape[axis], -1)[:, 0]


_RULES: Mapping[str, Rule] = {
    "BatchNormalization": _normalised,
    "Concat": _concat,
    "Conv": _conv,
    "Linear": _linear,
}
