"""Where a graph's tensors lie: orders by group, buffers, ports."""

from collections.abc import Iterator, Mapping

import networkx as nx
import numpy as np

from emcc.eie.balance import row_order
from emcc.eie.deal import deal
from emcc.eie.matrix import Matrix, matrix
from emcc.eie.options import LowerOptions
from emcc.eie.tensors import Part, Tensors, is_depthwise
from emcc.eie.trim import trim
from emcc.eie.unroll import unrolled
from emcc.ir.graph import Array, Graph, Node
from emcc.ir.program import HOLE, Buffer, Port, words
from emcc.legal.checks import chained


class _InARing(Exception):
    """An order that depends on one that is being decided."""


class Places:
    """Decides as it is asked, so that what is asked for first is dealt first.

    Attributes:
        tensors: of the graph. matrices: its layers that are broadcast steps, by node.
        buffers: made so far.
        channels: by tensor, the channel of each slot before it is dealt, where some are left out or repeated.
        unrolled: the inputs whose places are not those of the model's tensor.
    """

    def __init__(self, graph: Graph, options: LowerOptions, activity: Mapping[str, Array]) -> None:
        self.graph, self.options = graph, options
        self.tensors = Tensors(graph)
        self.channels: dict[str, Array] = {}
        self.matrices = self._matrices(activity)
        self.unrolled = unrolled(graph, self.tensors, options) if options.groups > 1 else {}
        for name, made in self.unrolled.items():
            self.channels[name] = made.held % made.channels
            self.tensors.maps[name] = (made.height, made.out_width, made.held.size)
        self.buffers: list[Buffer] = []
        self._orders: dict[str, Array] = {}
        self._deciding: set[str] = set()
        self._index: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def _matrices(self, activity: Mapping[str, Array]) -> dict[str, Matrix]:
        """Return the layers that are broadcast steps, by node; those of a chain without what cannot matter."""
        graph, tensors = self.graph, self.tensors
        nodes = [node for node in graph.layers() if not is_depthwise(graph, node)]
        maps = [tensors.maps[tensors.of(node.inputs[0])] for node in nodes]
        positions = [at[0] * at[1] for at in maps]
        layers = [matrix(graph, node, count, activity) for node, count in zip(nodes, positions, strict=True)]
        if self.options.trim and chained(graph) and set(positions) == {1}:
            layers, left = trim(layers)
            self.channels = {tensors.of(node.inputs[0]): kept for node, kept in zip(nodes, left, strict=True)}
        return {node.name: layer for node, layer in zip(nodes, layers, strict=True)}

    def order(self, base: str) -> Array:
        """Return a tensor's order: int64 [slots], HOLE between the parts of a Concat."""
        if base not in self._orders:
            group = nx.node_connected_component(self.tensors.groups, base)
            if group & self._deciding:
                raise _InARing
            self._deciding |= group
            try:
                self._orders |= dict.fromkeys(group, self._decide(group))
            finally:
                self._deciding -= group
        return self._orders[base]

    def _decide(self, group: set[str]) -> Array:
        whole = next((name for name in self.tensors.concats if name in group), None)
        if whole is not None:
            return self.natural(self.tensors.concats[whole])
        made = [node for node in self.graph.nodes if node.outputs[0] in group and node.name in self.matrices]
        if self.options.balance != "none" and self.options.groups > 1:
            return self._dealt(group, made)
        if not made or self.options.balance == "none":
            return np.arange(self._size(next(iter(group))))
        work = [self._work(self.matrices[node.name], self.tensors.of(node.inputs[0])) for node in made]
        return row_order(sum(work[1:], work[0]), self.options.lanes)

    def _dealt(self, group: set[str], made: list[Node]) -> Array:
        """Return the order of tensors that have one: rows of what makes them, columns of what reads them."""
        rows = np.zeros((self._size(next(iter(group))), self.options.groups))
        for node in made:
            rows += self._work_by_group(self.matrices[node.name], self.tensors.of(node.inputs[0]))
        columns = [work for base in sorted(group) for work in self._read_work(base)]
        return deal(rows, np.stack([*columns], axis=1) if columns else np.zeros((len(rows), 0)), self.options.lanes)

    def _work_by_group(self, layer: Matrix, source: str) -> Array:
        """Return what each row costs in each group: float64 [rows, groups]; the same in all where that is not known.

        It is not known where the order of the source is waiting for this one: in a residual block, say.
        """
        groups, lanes = self.options.groups, self.options.lanes
        try:
            slot = np.arange(self.order(source).size)
        except _InARing:
            return np.repeat(self._work(layer, source)[:, None] / groups, groups, axis=1)
        layer = layer.columns(self.columns(layer, source))
        taps = layer.codes.shape[1] // slot.size
        at = np.tile((slot // lanes + slot % lanes) % groups, taps)
        by_column = self._weighted(layer)
        if source in self.unrolled:
            by_column = by_column * np.tile(self.unrolled[source].share[self.order(source)], taps)
        return np.stack([by_column[:, at == number].sum(axis=1) for number in range(groups)], axis=1)

    def _read_work(self, base: str) -> Iterator[Array]:
        """Yield what each channel costs as a column of each layer that reads it, in a whole that it is part of too."""
        size = self._size(base)
        for node in self.graph.nodes:
            if node.name not in self.matrices:
                continue
            source, layer = self.tensors.of(node.inputs[0]), self.matrices[node.name]
            part = self.tensors.parts.get(base)
            first = 0 if source == base else part.first if part is not None and part.whole == source else None
            if first is not None:
                made = self.unrolled.get(source)
                columns = self._size(source) if made is None else made.size
                costs = self._weighted(layer).sum(axis=0).reshape(-1, columns).sum(axis=0)
                yield costs[first : first + size] if made is None else costs[made.held] * made.share

    def _weighted(self, layer: Matrix) -> Array:
        """Return what each weight costs: 1, or how often its column's activation is not zero where that is known."""
        live = layer.live.astype(np.float32)
        return live * layer.activity if self.options.balance == "activity" and layer.activity is not None else live

    def _work(self, layer: Matrix, source: str) -> Array:
        """Return what each row costs: its entries, weighted by their columns' activity where that is known."""
        if source in self._orders:
            layer = layer.columns(self.columns(layer, source))
        if self.options.balance == "activity" and layer.activity is not None:
            return np.asarray(layer.live @ layer.activity)
        return np.asarray(layer.live.sum(axis=1))

    def _size(self, base: str) -> int:
        """Return the channels of a tensor that are left."""
        return self.channels[base].size if base in self.channels else self.tensors.maps[base][2]

    def columns(self, layer: Matrix, source: str) -> Array:
        """Return a layer's columns in the order of its source's slots, tap by tap."""
        order = self.order(source)
        made = self.unrolled.get(source)
        channels = self._size(source) if made is None else made.size
        taps = np.arange(layer.codes.shape[1] // channels)[:, None]
        held = order if made is None else made.held[order]
        return np.where(order == HOLE, HOLE, taps * channels + held).ravel()

    def natural(self, node: Node) -> Array:
        """Return a Concat's order without a copy: its parts', each from a whole word on."""
        result: list[Array] = []
        channels = slots = 0
        for name in self.tensors.computed(node):
            order, start = self.order(name), words(slots, self.options.pes) * self.options.pes
            result += [np.full(start - slots, HOLE), np.where(order == HOLE, HOLE, order + channels)]
            channels, slots = channels + self.tensors.maps[name][2], start + order.size
        return np.concatenate(result)

    def firsts(self, node: Node) -> list[int]:
        """Return the first slot of each part of a Concat."""
        firsts, slots = [], 0
        for name in self.tensors.computed(node):
            firsts.append(words(slots, self.options.pes) * self.options.pes)
            slots = firsts[-1] + self.order(name).size
        return firsts

    def buffer(self, base: str) -> int:
        """Return the index of a tensor's buffer, made when it is first asked for."""
        if base not in self._index:
            part, whole, first = self.tensors.parts.get(base), -1, 0
            if part is not None:
                whole, first = self._place(part)
            if base not in self._index:
                self._index[base] = self.new(base, base, self.order(base), whole, first)
        return self._index[base]

    def _place(self, part: Part) -> tuple[int, int]:
        """Return (buffer, first slot) of the whole that a part lies in."""
        node = next(node for node in self.graph.nodes if part.whole in node.outputs)
        channels = np.cumsum([0, *(self.tensors.maps[name][2] for name in self.tensors.computed(node))])
        return self.whole(node), self.firsts(node)[int(np.flatnonzero(channels == part.first)[0])]

    def whole(self, node: Node) -> int:
        """Return the buffer of a Concat's parts: the output's, or one before it where its order is not free."""
        (output,) = node.outputs
        if output in self.tensors.concats:
            return self.buffer(output)
        if output not in self._before:
            self._before[output] = self.new(f"{output}.parts", output, self.natural(node))
        return self._before[output]

    def new(self, name: str, base: str, order: Array, whole: int = -1, first: int = 0) -> int:
        """Return the index of a new buffer, of the map and format of tensor `base`."""
        height, width, _ = self.tensors.maps[base]
        fmt = self.graph.tensors[base].fmt
        assert fmt is not None
        channels = self.channels.get(base)
        model = order if channels is None else np.where(order == HOLE, HOLE, channels[order])
        self.buffers.append(Buffer(name, height, width, model, fmt, whole, first))
        return len(self.buffers) - 1

    def port(self, name: str) -> Port:
        """Return how a tensor lies in the buffer of its base: element channel x positions + position."""
        base, taken = self.tensors.ends.get(name, (name, None))
        index = self.buffer(self.tensors.of(base))
        buffer = self.buffers[index]
        at = np.arange(buffer.positions)[:, None]
        if base in self.unrolled:
            order = self.unrolled[base].order()[:, self.order(base)]
        else:
            order = np.where(buffer.order == HOLE, HOLE, buffer.order * buffer.positions + at)
        if taken is not None:
            held = taken if name in self.graph.inputs else _inverse(taken, self.graph.tensors[base].features)
            order = np.where(order == HOLE, HOLE, held[order])
        shape = tuple(int(size or 0) for size in self.graph.tensors[name].shape[1:])
        return Port(name, shape, index, order)


def _inverse(taken: Array, size: int) -> Array:
    """Return for each of `size` elements where it goes, HOLE where nowhere, if element taken[i] goes to place i."""
    places = np.full(size, HOLE)
    places[taken] = np.arange(taken.size)
    return places
