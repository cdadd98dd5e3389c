"""A quantised model as a float one: what goes to integers and back stays in floats, and its range is noted.

QuantizeLinear and DequantizeLinear are taken out: an input of integers gets an Affine, as does an output of such; of
what lies between, `Graph.ranges` holds the ends of each grid, of which calibrating makes formats. A grid that begins at
0 is also the ReLU that a quantiser took out, one that ends at 6 a ReLU6. Those behind the operators that are left to
the host stay.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.ir.graph import Affine, Array, Graph, Node, Tensor
from emcc.passes.fold_affine import unique

Ends = tuple[float, float]
GRIDDED = ops.having("grid")
SIX = 6.0
NONE_BELOW = frozenset({"Relu", "Sigmoid", "Softmax"})


def is_quantised_model(graph: Graph) -> bool:
    """Whether a graph, as the front end leaves it, goes to integers anywhere."""
    return any(node.op in GRIDDED for node in graph.nodes)


def dequantised(graph: Graph) -> Graph:
    """The float graph. EmccError where integers are read by what does not take them."""
    return _Floats(graph).build()


def spread(graph: Graph) -> dict[str, Ends]:
    """The ranges, and those of what moves or selects elements of one tensor, from either side."""
    known = dict(graph.ranges)
    moves = [node for node in graph.nodes if _moves(graph, node)]
    for node in moves:
        (x,), (y,) = (name for name in node.inputs if name in graph.tensors), node.outputs
        if x in known:
            known.setdefault(y, known[x])
    for node in reversed(moves):
        (x,), (y,) = (name for name in node.inputs if name in graph.tensors), node.outputs
        if y in known:
            known.setdefault(x, known[y])
    return {name: ends for name, ends in known.items() if name in graph.tensors}


def _moves(graph: Graph, node: Node) -> bool:
    picks = {"selects", "picks", "no-op"} & ops.traits(node.op) and "padding" not in ops.traits(node.op)
    return bool(picks) and sum(name in graph.tensors for name in node.inputs) == 1


class _Floats:
    """The graph in the making.

    Attributes:
        real: by tensor of the model, the one that holds its number in floats. grid: of tensors of integers, its
            attributes.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.real: dict[str, str] = {}
        self.grid: dict[str, Mapping[str, Any]] = {}
        self.nodes: list[Node] = []
        self.tensors: dict[str, Tensor] = {}
        self.constants: dict[str, Array] = dict(graph.constants)
        self.ranges: dict[str, Ends] = {}
        self.affines: dict[str, Affine] = dict(graph.affines)
        self.makers: dict[str, Node] = {}
        self.taken = {*graph.tensors, *graph.constants}
        for name in graph.inputs:
            self._input(name)

    def _input(self, name: str) -> None:
        """An input of integers enters on the grid that the first DequantizeLinear behind it has."""
        tensor = self.graph.tensors[name]
        self.tensors[name] = replace(tensor, dtype="float32")
        attrs = self._first_grid(name) if tensor.dtype != "float32" else None
        if tensor.dtype == "float32":
            return
        if attrs is None or len(attrs["scale"]) > 1 or len(attrs["zero_point"]) > 1:
            raise EmccError(
                f"its integers ({tensor.dtype}) have no one scale",
                node=name,
                hint="export the model with a float input",
            )
        self.grid[name] = attrs
        self.ranges[name] = _ends(attrs)
        self.affines[name] = Affine(np.array(attrs["scale"]), np.array(attrs["zero_point"], np.float64))

    def _first_grid(self, name: str) -> Mapping[str, Any] | None:
        names = {name}
        for node in self.graph.nodes:
            if names & set(node.inputs):
                if node.op == "DequantizeLinear":
                    return node.attrs
                names.add(node.outputs[0])
        return None

    def build(self) -> Graph:
        """The graph."""
        tail = _behind_host(self.graph)
        for node in self.graph.nodes:
            if node.op in GRIDDED and node.name not in tail:
                (self._quantise if node.op == "QuantizeLinear" else self._dequantise)(node)
            else:
                self._keep(node)
        for name in self.graph.outputs:
            self._end(name)
        read = {name for node in self.nodes for name in (*node.inputs, *node.outputs)} | {*self.graph.inputs}
        constants = {name: value for name, value in self.constants.items() if name in read}
        made = self.graph.with_(
            nodes=tuple(self.nodes),
            tensors=self.tensors,
            constants=constants,
            affines=self.affines,
            ranges=self.ranges,
            units={name: unit for name, unit in self.graph.units.items() if name in constants},
        )
        return made.with_(ranges=spread(made))

    def _put(self, name: str, op: str, inputs: tuple[str, ...], output: str, attrs: Mapping[str, Any]) -> str:
        """Add a node of one tensor, which keeps its shape."""
        shape = self.tensors[inputs[0]].shape
        self.tensors[output] = Tensor(output, shape)
        self.nodes.append(Node(unique(name, {node.name for node in self.nodes}), op, inputs, (output,), attrs))
        self.makers[output] = self.nodes[-1]
        return output

    def _fresh(self, name: str) -> str:
        fresh = unique(name, self.taken)
        self.taken.add(fresh)
        return fresh

    def _keep(self, node: Node) -> None:
        """A node as it is, on the floats that stand for what it reads."""
        grids = [self.grid[name] for name in node.inputs if name in self.grid]
        (output,) = node.outputs
        if grids:
            alike = all(_same(grid, grids[0]) for grid in grids)
            if not alike or len(grids) < sum(name in self.graph.tensors for name in node.inputs):
                raise EmccError("it joins integers of different scales", node=node.name, hint="dequantise them first")
            self.grid[output] = grids[0]
        inputs = tuple(self.real.get(name, name) for name in node.inputs)
        self.nodes.append(replace(node, inputs=inputs))
        self.makers[output] = self.nodes[-1]
        self.tensors[output] = replace(self.graph.tensors[output], dtype=self._dtype(output))

    def _dtype(self, name: str) -> str:
        dtype = self.graph.tensors[name].dtype
        return "float32" if name in self.grid else dtype

    def _quantise(self, node: Node) -> None:
        x, (output,) = self.real.get(node.inputs[0], node.inputs[0]), node.outputs
        low, high = _ends(node.attrs)
        if low == 0 and not self._positive(x) and x not in self.graph.inputs:
            step = max(node.attrs["scale"])
            six = abs(high - SIX) < step / 2 and len(node.attrs["scale"]) == 1
            clip = ("Clip", {"low": 0.0, "high": high}) if six else ("Relu", {})
            x = self._put(f"{node.name}.{clip[0].lower()}", clip[0], (x,), self._fresh(f"{x}.positive"), clip[1])
        before = self.ranges.get(x, (low, high))
        self.ranges[x] = min(low, before[0]), max(high, before[1])
        self.real[output], self.grid[output] = x, node.attrs

    def _positive(self, name: str) -> bool:
        """Whether a tensor is never below 0, by what makes it."""
        if name in self.ranges:
            return self.ranges[name][0] >= 0
        node = self.makers.get(name)
        if node is None:
            return False
        if node.op in NONE_BELOW or (node.op == "Clip" and node.attrs["low"] >= 0):
            return True
        keeps = ops.traits(node.op) & {"selects", "pooling", "no-op"}
        return bool(keeps) and all(self._positive(x) for x in node.inputs if x in self.tensors)

    def _dequantise(self, node: Node) -> None:
        (q,), (output,) = node.inputs, node.outputs
        grid, x, attrs = self.grid.get(q), self.real.get(q, q), node.attrs
        if grid is None:
            raise EmccError("it reads what is no integers", node=node.name, hint="quantise the model again")
        if not _same(grid, attrs):
            x = self._regridded(node, x, grid)
        self.real[output] = x

    def _regridded(self, node: Node, x: str, grid: Mapping[str, Any]) -> str:
        """What was quantised on one grid and is read on another."""
        if max(len(each[name]) for each in (grid, node.attrs) for name in ("scale", "zero_point")) > 1:
            raise EmccError("it reads integers by other scales", node=node.name, hint="quantise the model again")
        (old,), (new,) = grid["scale"], node.attrs["scale"]
        offset = (grid["zero_point"][0] - node.attrs["zero_point"][0]) * new
        for op, value in (("Mul", new / old), ("Add", offset)):
            constant = self._fresh(f"{node.outputs[0]}.{op.lower()}")
            self.constants[constant] = np.full((), value, np.float32)
            x = self._put(f"{node.name}.{op}", op, (x, constant), self._fresh(f"{node.outputs[0]}.{op}"), {})
        self.ranges[x] = _ends({**node.attrs, "low": grid["low"], "high": grid["high"]})
        return x

    def _end(self, name: str) -> None:
        """An output under its name, in the model's units."""
        if name in self.real:
            real = self.real[name]
            self._put(f"{name}.identity", "Identity", (real,), name, {})
        if name in self.grid:
            scale, zero = (np.array(self.grid[name][part], np.float64) for part in ("scale", "zero_point"))
            if max(scale.size, zero.size) > 1:
                raise EmccError("an output has several scales", node=name, hint="quantise it by one")
            self.affines[name] = Affine(1 / scale, zero)


def _ends(attrs: Mapping[str, Any]) -> Ends:
    """The least and the most that a grid holds, of all its channels."""
    scale, zero = np.array(attrs["scale"]), np.array(attrs["zero_point"])
    return float(((attrs["low"] - zero) * scale).min()), float(((attrs["high"] - zero) * scale).max())


def _same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two grids have the same scales and zero points."""
    axes = len(a["scale"]) == 1 or a["axis"] == b["axis"]
    return bool(axes and a["scale"] == b["scale"] and a["zero_point"] == b["zero_point"])


def _behind_host(graph: Graph) -> set[str]:
    """The nodes to integers and back, by name, that come behind what is left to the host, with nothing else behind."""
    tail: set[str] = set()
    ends: set[str] = set()
    for node in reversed(graph.nodes):
        readers = [other for other in graph.nodes if node.outputs[0] in other.inputs]
        last = {"host", "no-op", "moves"} & ops.traits(node.op)
        if last and all(other.name in ends for other in readers):
            ends.add(node.name)
    behind: set[str] = set()
    for node in graph.nodes:
        if node.name in ends and (
            ("host" in ops.traits(node.op) and node.op not in GRIDDED) or behind & set(node.inputs)
        ):
            behind.update(node.outputs)
            tail |= {node.name} if node.op in GRIDDED else set()
    return tail
