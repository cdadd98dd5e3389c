"""A hypothesis strategy: random quantised graphs with branches, joins, several inputs and outputs, and host parts."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from emcc import ops
from emcc.ir.graph import Array, Format, Graph, Node, Tensor

MOST = 6
"""Channels of a new tensor."""


@dataclass
class Net:
    """A graph under construction. Every tensor that there is may be read again."""

    draw: Any
    rng: np.random.Generator
    act_w: int
    tensors: dict[str, Tensor] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)

    def pick(self, *choices: Any) -> Any:
        """One of them."""
        return self.draw(st.sampled_from(choices))

    def one(self, rank: int = 0) -> Tensor | None:
        """A tensor, of that rank; the latest ones are likelier."""
        fitting = [t for t in self.tensors.values() if not rank or len(t.shape) == rank]
        return self.pick(*fitting, *fitting[-2:], *fitting[-1:]) if fitting else None

    def like(self, tensor: Tensor) -> Tensor:
        """A tensor of the same shape, itself if need be."""
        same = [t for t in self.tensors.values() if t.shape == tensor.shape]
        return self.pick(*same, *same[-2:])  # type: ignore[no-any-return]

    def constant(self, value: Array) -> str:
        """A constant's name."""
        self.constants[f"c{len(self.constants)}"] = value
        return f"c{len(self.constants) - 1}"

    def fmt(self, frac: int) -> Format:
        """A format of the graph's width."""
        return Format(self.act_w, frac)

    def put(self, op: str, inputs: list[str], attrs: dict[str, Any], fmt: Format) -> None:
        """Add a node and its output."""
        name = f"t{len(self.tensors)}"
        node = Node(f"{op} {name}", op, tuple(inputs), (name,), attrs)
        shapes = [self.shape(input_) for input_ in inputs]
        self.tensors[name] = Tensor(name, ops.get(op).shape(node, *shapes), fmt=fmt)
        self.nodes.append(node)

    def shape(self, name: str) -> Any:
        """Of a tensor or constant; None for an absent one."""
        if not name:
            return None
        return self.tensors[name].shape if name in self.tensors else self.constants[name].shape

    def step(self, op: str, inputs: list[str], attrs: dict[str, Any], frac: int) -> None:
        """Add a quantised node whose sums have `frac` fraction bits, with a shift and a function."""
        shift = self.draw(st.integers(0, min(20, 12 + self.act_w // 4)))
        z_frac = frac - shift
        function = self.pick("identity", "relu", "table" if self.act_w == 8 else "relu", "identity")
        attrs = {**attrs, "act_w": self.act_w, "z_frac": z_frac, "shift": shift, "function": function}
        attrs |= {"lo_bits": 0, "hi_bits": 0}
        fmt = self.fmt(z_frac)
        if function == "table":
            fmt = self.fmt(self.pick(4, 6, 7))
            coarse = self.rng.integers(fmt.low, fmt.high + 1, 1 << self.act_w)
            inputs = [*inputs, *[""] * (op in ("QConv", "QLinear") and len(inputs) == 4)]
            inputs += [self.constant(coarse), self.constant(np.zeros(1, np.int64))]
        self.put(op, inputs, attrs, fmt)

    def weights(self, shape: tuple[int, ...], source: Tensor, op: str, attrs: dict[str, Any]) -> None:
        """Add a layer of random weights."""
        assert source.fmt is not None
        code_w, weight_frac = self.pick(1, 2, 4, 8, 16), self.pick(6, 9, 12)
        book = self.rng.integers(-3000, 3000, 1 << min(code_w, 4))
        codes = self.rng.integers(0, 1 << min(code_w, 4), shape).astype(np.uint8)
        looked_up = code_w < 8
        if not looked_up:
            # The code is the weight.
            half = 1 << min(code_w, 12) - 1
            codes = self.rng.integers(-half, half, shape).astype(f"int{code_w}")
        if self.pick(True, True, False):
            book[0] = 0
            codes[self.rng.random(shape) < self.pick(0.3, 0.8)] = 0
        bias = self.rng.integers(-100000, 100000, shape[0])
        name = self.constant(codes)
        inputs = [source.name, name, self.constant(book) if looked_up else "", self.constant(bias)]
        frac = source.fmt.frac_bits + weight_frac
        if self.pick(False, False, True):
            inputs.append(self.constant(self.rng.integers(1, 1 << 10, shape[0])))
        self.step(op, inputs, {**attrs, "code_w": code_w, "weight_frac": weight_frac}, frac)

    def window(self, tensor: Tensor, pads: bool = True) -> dict[str, Any]:
        """Attributes of a window, which need not fit."""
        kernel = tuple(self.pick(1, 2, 3) for _ in range(2))
        attrs = {"strides": (self.pick(1, 1, 2), self.pick(1, 1, 2)), "dilations": (self.pick(1, 1, 2), 1)}
        sides = [self.draw(st.integers(0, size - 1)) if pads else 0 for size in kernel * 2]
        return {**attrs, "pads": tuple(sides), "kernel_shape": kernel}

    def linear(self) -> None:
        source = self.one()
        assert source is not None
        if source.shape[1:] != (source.features,):
            moved = self.pick("Flatten", "Reshape")
            attrs = {"axis": 1} if moved == "Flatten" else {"shape": (source.features,)}
            assert source.fmt is not None
            self.put(moved, [source.name], attrs, source.fmt)
            source = next(reversed(self.tensors.values()))
        self.weights((self.draw(st.integers(1, MOST)), source.features), source, "QLinear", {})

    def conv(self) -> None:
        source = self.one(4)
        if source is None:
            return
        channels = int(source.shape[1] or 0)
        group = self.pick(*(size for size in range(1, channels + 1) if channels % size == 0), channels)
        attrs = self.window(source)
        kernel = attrs.pop("kernel_shape")
        out = group * self.pick(1, 1, 2)
        self.weights((out, channels // group, *kernel), source, "QConv", {**attrs, "group": group})

    def pool(self) -> None:
        source = self.one(4)
        if source is None:
            return
        assert source.fmt is not None
        attrs = {**self.window(source), "ceil_mode": self.pick(0, 1)}
        if self.pick(True, False):
            self.put("MaxPool", [source.name], attrs, source.fmt)
            return
        taps = attrs["kernel_shape"][0] * attrs["kernel_shape"][1]
        book = np.array([0, *(round((1 << 14) / count) for count in range(1, taps + 1))])
        attrs |= {"weight_frac": 14, "count_include_pad": self.pick(0, 1)}
        self.step("QAveragePool", [source.name, self.constant(book)], attrs, source.fmt.frac_bits + 14)

    def add(self) -> None:
        first = self.one()
        assert first is not None
        parts = [first, *(self.like(first) for _ in range(self.pick(0, 1, 1, 2)))]
        fracs = [part.fmt.frac_bits for part in parts if part.fmt]
        if max(fracs) - min(fracs) <= 14:
            weights = tuple(self.pick(1, -1) << (max(fracs) - frac) for frac in fracs)
            self.step("QSum", [part.name for part in parts], {"weights": weights}, max(fracs))

    def multiply(self) -> None:
        first = self.one()
        assert first is not None
        vectors = [t for t in self.tensors.values() if t.shape == (*first.shape[:2], *(1 for _ in first.shape[2:]))]
        second = self.pick(self.like(first), *vectors)
        assert first.fmt is not None
        assert second.fmt is not None
        pair = self.pick((first, second), (second, first))
        self.step("QProduct", [part.name for part in pair], {}, first.fmt.frac_bits + second.fmt.frac_bits)

    def concat(self) -> None:
        first = self.one()
        assert first is not None
        same = [
            t
            for t in self.tensors.values()
            if t.fmt == first.fmt and t.shape[2:] == first.shape[2:] and len(t.shape) == len(first.shape)
        ]
        parts = [first, *(self.pick(*same) for _ in range(self.pick(1, 1, 2)))]
        assert first.fmt is not None
        if sum(int(part.shape[1] or 0) for part in parts) < 40:
            self.put("Concat", [part.name for part in parts], {"axis": 1}, first.fmt)

    def host(self) -> None:
        source = self.one()
        assert source is not None
        assert source.fmt is not None
        rank = len(source.shape)
        op = self.pick("Softmax", "Transpose", "Reshape", "Sigmoid", "Add", "pick")
        if op == "pick":
            self.picked(source)
            return
        if op == "Transpose":
            self.put(op, [source.name], {"perm": (0, *self.draw(st.permutations(range(1, rank))))}, source.fmt)
        elif op == "Reshape":
            self.put(op, [source.name], {"shape": (source.features, 1, 1)}, source.fmt)
        elif op == "Softmax":
            self.put(op, [source.name], {"axis": rank - 1}, self.fmt(self.act_w - 1))
        elif op == "Sigmoid":
            self.put(op, [source.name], {}, self.fmt(self.act_w - 2))
        else:
            value = self.rng.standard_normal((source.shape[1], *(1 for _ in source.shape[2:]))).astype(np.float32)
            self.put(op, [source.name, self.constant(value)], {}, source.fmt)

    def picked(self, source: Tensor) -> None:
        """Elements by their places, in the source's own format."""
        sizes = [int(size or 1) for size in source.shape[1:]]
        ones = (1,) * len(sizes)
        begins = [self.draw(st.integers(0, size - 1)) for size in sizes]
        counts = [self.draw(st.integers(1, size - begin)) for size, begin in zip(sizes, begins, strict=True)]
        choices: list[tuple[str, dict[str, Any]]] = [
            ("Slice", {"begins": tuple(begins), "counts": tuple(counts), "steps": ones}),
            ("Gather", {"axis": 1, "indices": tuple(self.draw(st.permutations(range(sizes[0]))))}),
            ("Resize", {"factors": (1, *(self.pick(1, 2) for _ in sizes[1:]))}),
            ("Tile", {"repeats": (self.pick(1, 2), *ones[1:])}),
            ("Pad", {"before": ones, "after": tuple(2 for _ in sizes), "mode": self.pick("constant", "edge")}),
        ]
        assert source.fmt is not None
        if source.features < 400:
            op, attrs = self.pick(*choices)
            self.put(op, [source.name], attrs, source.fmt)


@st.composite
def qgraphs(draw: Any) -> tuple[Graph, dict[str, Array]]:
    """(a quantised graph, integers for each of its inputs: [3, ...])."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    net = Net(draw, rng, draw(st.sampled_from([8, 16])))
    for i in range(draw(st.sampled_from([1, 1, 2]))):
        shape = draw(st.sampled_from([(2, 5, 4), (3, 4, 4), (4, 3, 6), (1, 6, 6), (7,), (3, 5)]))
        net.tensors[f"x{i}"] = Tensor(f"x{i}", (None, *shape), fmt=net.fmt(draw(st.integers(2, 8))))
    steps = [Net.conv, Net.conv, Net.conv, Net.linear, Net.pool, Net.add, Net.multiply, Net.concat, Net.host]
    for step in draw(st.lists(st.sampled_from(steps), min_size=1, max_size=9)):
        before = dict(net.tensors), dict(net.constants), list(net.nodes)
        try:
            step(net)
        except ValueError:  # a window that does not fit
            net.tensors, net.constants, net.nodes = before
    if not any("quantised" in ops.traits(node.op) for node in net.nodes):
        net.linear()
    graph = finished(net)
    x = {name: _integers(rng, graph.tensors[name]) for name in graph.inputs}
    return graph, x


def finished(net: Net) -> Graph:
    """The graph whose outputs are all tensors that nothing reads, without inputs that nothing reads."""
    read = {name for node in net.nodes for name in node.inputs}
    made = [node.outputs[0] for node in net.nodes]
    inputs = tuple(name for name in net.tensors if name not in made and name in read)
    tensors = {name: tensor for name, tensor in net.tensors.items() if name in read or name in made}
    constants = {name: value for name, value in net.constants.items() if name in read}
    outputs = tuple(name for name in made if name not in read)
    return Graph("random", inputs, outputs, tuple(net.nodes), tensors, constants)


def _integers(rng: np.random.Generator, tensor: Tensor) -> Array:
    assert tensor.fmt is not None
    shape = (3, *(int(size or 0) for size in tensor.shape[1:]))
    x = rng.integers(tensor.fmt.low // 4, tensor.fmt.high // 4 + 1, shape) * (rng.random(shape) < 0.7)
    x[0].flat[0], x[1].flat[-1] = tensor.fmt.low, tensor.fmt.high
    return x
