"""Where a graph's tensors lie before they have buffers: maps, views, groups that share an order, parts of a whole."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import networkx as nx
import numpy as np

from emcc import ops
from emcc.ir.graph import Array, Graph, Node

Map = tuple[int, int, int]
"""Height, width, channels."""

LOCAL = ("MaxPool", "QAveragePool", "QProduct", "QSum")


def map_of(shape: Iterable[int | None]) -> Map:
    """Return the map of a tensor: [C, H, W], [C, W] and [C] are maps, anything else is a vector."""
    sizes = [int(size or 1) for size in tuple(shape)[1:]]
    if len(sizes) == 3:
        return sizes[1], sizes[2], sizes[0]
    if len(sizes) == 2:
        return 1, sizes[1], sizes[0]
    return 1, 1, math.prod(sizes)


def is_depthwise(graph: Graph, node: Node) -> bool:
    """Whether a node is a convolution in which every channel works for itself."""
    group = int(node.attrs.get("group", 1))
    return node.op == "QConv" and group > 1 and graph.constants[node.inputs[1]].shape[:2] == (group, 1)


def _picks(node: Node) -> bool:
    """Whether shapes alone say which element of its input each of its output's is."""
    return bool(ops.traits(node.op) & {"moves", "picks"}) and "padding" not in ops.traits(node.op)


@dataclass(frozen=True)
class Part:
    """A tensor's place in a Concat: parts of `whole`, from channel `first`."""

    whole: str
    first: int


class Tensors:
    """Resolves the tensors of a quantised graph.

    Attributes:
        base: the tensor that each one is a view of; its own, if of none.
        maps: of the base tensors.
        hosted: names of the nodes that no step can do.
        concats: by the output's name, the Concat nodes that need no copy of the whole.
        parts: the tensors that lie in the whole of a Concat.
        ends: by input or output that has no buffer, since moves stand between it and the rest: the tensor in whose
            buffer it lies, and where each of the moves' elements comes from.
        aside: names of those moves, which are nothing but the port's order.
        groups: a node a base tensor, joined where two must have one order of channels.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.ends: dict[str, tuple[str, Array]] = {}
        self.aside = {node.name for node in (*self._entering(), *self._leaving())}
        self.base = {name: name for name in graph.inputs if name not in self.ends}
        self.maps: dict[str, Map] = {}
        self.hosted: set[str] = set()
        self.concats: dict[str, Node] = {}
        self.parts: dict[str, Part] = {}
        self.groups: nx.Graph = nx.Graph()
        written = [*self.base]
        for node in graph.nodes:
            (output,) = node.outputs
            if output in self.ends:
                continue
            if node.name in self.aside:
                self.base[output] = output
                written.append(output)
                continue
            if self._is_view(node):
                self.base[output] = self.base[node.inputs[0]]
                continue
            self.base[output] = output
            if node.op == "QLinear":
                self.maps[output] = (1, 1, graph.tensors[output].features)
            if not self._fits(node):
                self.hosted.add(node.name)
                written.append(output)
        for name in written:
            if all(node.op == "QLinear" or node.name in self.hosted for node in self._readers(name)):
                self.maps[name] = (1, 1, graph.tensors[name].features)
        for name in set(self.base.values()):
            self.maps.setdefault(name, map_of(graph.tensors[name].shape))
        self._group()

    def _entering(self) -> Iterator[Node]:
        """Yield moves that alone read an input: the port writes what they make."""
        for name in self.graph.inputs:
            readers = [node for node in self.graph.nodes if name in node.inputs]
            if len(readers) == 1 and name not in self.graph.outputs and _picks(readers[0]):
                (output,) = readers[0].outputs
                self.ends[name] = output, self._places(readers[0])
                yield readers[0]

    def _leaving(self) -> Iterator[Node]:
        """Yield moves to an output that nothing else reads: the port reads what they take, each element once."""
        for name in self.graph.outputs:
            node = next((node for node in self.graph.nodes if name in node.outputs), None)
            if node is None or not _picks(node) or node.inputs[0] in self.ends:
                continue
            read = any(name in other.inputs for other in self.graph.nodes)
            taken = self._places(node)
            if not read and np.unique(taken).size == taken.size and node.inputs[0] not in self.graph.inputs:
                self.ends[name] = node.inputs[0], taken
                yield node

    def _places(self, node: Node) -> Array:
        """Which element of a sample a move takes for each of its output's: int64, flat."""
        source = self.graph.tensors[node.inputs[0]]
        shape = tuple(int(size or 1) for size in source.shape[1:])
        at = np.arange(source.features, dtype=np.int64).reshape(1, *shape)
        return np.asarray(ops.get(node.op).evaluate(np, node, at)).ravel()

    def of(self, name: str) -> str:
        """Return the base tensor."""
        return self.base[name]

    def computed(self, node: Node) -> list[str]:
        """Return the base tensors that a node reads."""
        return [self.base[name] for name in node.inputs if name in self.graph.tensors]

    def _is_view(self, node: Node) -> bool:
        """Whether a move that keeps order only gives its source a new shape.

        So it is where the map stays, and where what reads it takes any map: matrix products, and other moves, which
        are views themselves or the host's work.
        """
        if "keeps order" not in ops.traits(node.op):
            return False
        (output,) = node.outputs
        source = self.graph.tensors[self.base[node.inputs[0]]]
        readers = [other for other in self.graph.nodes if output in other.inputs]
        return map_of(source.shape) == map_of(self.graph.tensors[output].shape) or all(
            other.op == "QLinear" or "keeps order" in ops.traits(other.op) for other in readers
        )

    def _readers(self, base: str) -> list[Node]:
        names = {name for name, own in self.base.items() if own == base}
        return [
            node
            for node in self.graph.nodes
            if names & set(node.inputs) and self.base.get(node.outputs[0], "") not in names
        ]

    def _fits(self, node: Node) -> bool:
        """Whether steps of the array do what the node does."""
        shapes = [self.graph.tensors[name].shape for name in node.inputs if name in self.graph.tensors]
        if node.op == "Concat":
            axis = node.attrs["axis"]
            return axis == 1 and len({map_of(shape)[:2] for shape in shapes}) == 1 and len(shapes[0]) <= 4
        return "quantised" in ops.traits(node.op) or node.op == "MaxPool"

    def _group(self) -> None:
        self.groups.add_nodes_from(self.maps)
        for node in self.graph.nodes:
            (output,) = node.outputs
            if node.name in self.hosted | self.aside or self.base[output] != output:
                continue
            if node.op in LOCAL or is_depthwise(self.graph, node):
                self.groups.add_edges_from((name, output) for name in self.computed(node))
        for node in self.graph.nodes:
            if node.op == "Concat" and node.name not in self.hosted:
                self._concat(node)

    def _concat(self, node: Node) -> None:
        """Take a Concat without a copy where its order is free; note its parts' places."""
        (output,) = node.outputs
        group = nx.node_connected_component(self.groups, output)
        if not group & set(self.concats):
            self.concats[output] = node
        first = 0
        for name in self.computed(node):
            if name not in self.parts and self.maps[name][:2] == self.maps[output][:2]:
                self.parts[name] = Part(output, first)
            first += self.maps[name][2]
