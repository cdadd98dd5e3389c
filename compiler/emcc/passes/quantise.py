"""Quantise: floats with formats become integers. The graph then has quantised nodes, with one exact meaning.

What the array has no step for keeps its node: it is run in floats between two formats (see ops.interpret).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.ir.graph import Array, Format, Graph, Node, Tensor
from emcc.ir.program import Table
from emcc.ops import pooling, windows
from emcc.passes import function_table
from emcc.passes.channelwise import scales_channels
from emcc.passes.functions import apply_function
from emcc.passes.layer_integers import MAX_SHIFT, finest_weight_frac, scale_layer
from emcc.passes.layers import Producer, producers, takes_along
from emcc.passes.quantise_channels import by_channel
from emcc.passes.quantise_numbers import Sums, no_scale
from emcc.passes.quantise_picks import as_layer

ALIGN = 14
"""The largest k of a weight 2**k, which 16 bits hold."""


def target(activation: Node, z: Format, y: Format) -> Array:
    """The activation in output ulps for every z, ascending: float64 [2**width]."""
    return np.ldexp(apply_function(activation, z.dequantise(np.arange(z.low, z.high + 1))), y.frac_bits)


@dataclass(frozen=True)
class _Part:
    """A node on its way: its sums, what it gives, and the function to tabulate, if it is one."""

    name: str
    sums: Sums
    output: str
    function: str
    wanted: function_table.Wanted | None


@dataclass(frozen=True)
class Quantise:
    """Folded, shared, calibrated graph -> quantised nodes (see ops/qlinear and ops/qlocal for what one means).

    Names stay: a QLinear is called as its Linear, its output as the layer's output.
    """

    table_error: float = option(2.0, "greatest error of a 16-bit function table, in output ulps", low=0.5, high=1024.0)
    name: ClassVar[str] = "quantise"

    def apply(self, graph: Graph) -> Graph:
        """The integer graph. Raises EmccError where a node's numbers have no common scale."""
        draft = _Draft(graph, self.table_error)
        made = {one.node.name: one for one in producers(graph)}
        along = {one.activation.name for one in made.values() if one.activation and one.activation is not one.node}
        for node in graph.nodes:
            if node.name in made:
                draft.produce(made[node.name])
            elif node.name not in along:
                draft.select(node)
        return draft.build()


class _Draft:
    """The integer graph in the making; `fmt` is the format that each tensor really has, `low` its smallest integer."""

    def __init__(self, graph: Graph, table_error: float) -> None:
        self.graph, self.table_error = graph, table_error
        self.parts: list[_Part | Node] = []
        self.fmt = {name: _format(graph.tensors[name].fmt, name) for name in graph.inputs}
        self.low: dict[str, int] = {}
        self.aligned: dict[str, Tensor] = {}

    def produce(self, made: Producer) -> None:
        """Add what a producer becomes."""
        node, lone = made.node, made.activation is made.node
        if not lone and not takes_along(self.graph, node):
            self.parts.append(node)
            self.fmt[made.y] = _format(self.graph.tensors[made.y].fmt, node.name)
            return
        rectified = made.activation is not None and "rectifier" in ops.traits(made.activation.op)
        plain = made.activation is None or rectified
        z = self.fmt[made.z] if lone else _format(self.graph.tensors[made.y if plain else made.z].fmt, node.name)
        channels = scales_channels(self.graph, node)
        if channels is not None:
            (name,) = (name for name in node.inputs if name in self.fmt)
            sums = by_channel(node, name, self.fmt[name], self.low.get(name), channels, z)
        else:
            sums = self._sum(node, (made.z,), z) if lone else _SUMS[node.op](self, node, z)
        if plain:
            self._add(made, sums, sums.z, "relu" if rectified else "identity", None)
            return
        assert made.activation is not None
        y = _format(self.graph.tensors[made.y].fmt, node.name)
        homogeneous = "homogeneous" in ops.traits(made.activation.op)
        tolerance = min(self.table_error, 1.0) if homogeneous else self.table_error
        wanted = function_table.Wanted(target(made.activation, sums.z, y), sums.z, y, tolerance)
        self._add(made, sums, y, "table", wanted)

    def _add(self, made: Producer, sums: Sums, y: Format, function: str, wanted: function_table.Wanted | None) -> None:
        self.parts.append(_Part(made.node.name, sums, made.y, function, wanted))
        self.fmt[made.y] = y
        if function == "relu":
            self.low[made.y] = 0

    def select(self, node: Node) -> None:
        """Add a node that only moves or selects: all that it reads is brought to the coarsest format among it."""
        computed = [name for name in node.inputs if name in self.fmt]
        fmt = min((self.fmt[name] for name in computed), key=lambda fmt: fmt.frac_bits)
        inputs = tuple(self._in_format(node, name, fmt) if name in computed else name for name in node.inputs)
        picked = as_layer(node, _sample(self.graph, computed[0])) if len(computed) == 1 else None
        if picked is None:
            self.parts.append(replace(node, inputs=inputs))
        else:
            bias = np.zeros(len(picked.codes), np.int64)
            arrays = {"codes": picked.codes, "codebook": np.array([0, 1]), "bias": bias}
            sums = Sums(picked.op, inputs, {"code_w": 1, "weight_frac": 0, **picked.attrs}, arrays, fmt, 0)
            self.parts.append(_Part(node.name, sums, node.outputs[0], "identity", None))
        self.fmt[node.outputs[0]] = fmt
        if all(self.low.get(name) == 0 for name in computed):
            self.low[node.outputs[0]] = 0

    def _in_format(self, node: Node, name: str, fmt: Format) -> str:
        """The tensor, or a copy of it with fewer fraction bits."""
        if self.fmt[name] == fmt:
            return name
        copy = _unique(f"{name}.{fmt.frac_bits}", {*self.graph.tensors, *self.graph.constants, *self.aligned})
        self.aligned[copy] = replace(self.graph.tensors[name], name=copy, fmt=fmt)
        sums = self._sum(node, (name,), fmt)
        self.parts.append(_Part(f"{node.name}.{copy}", sums, copy, "identity", None))
        self.fmt[copy] = fmt
        return copy

    def _requantised(self, node: Node, z: Format, frac: int) -> tuple[Format, int]:
        """(the format of sums with `frac` fraction bits after requantising, the shift)."""
        z = replace(z, frac_bits=min(z.frac_bits, frac))
        if frac - z.frac_bits > MAX_SHIFT:
            raise no_scale(node)
        return z, frac - z.frac_bits

    def _sum(self, node: Node, names: Sequence[str], z: Format, signs: Sequence[int] = (1, 1)) -> Sums:
        """Sums of tensors, aligned by powers of two; one that is finer than 16-bit weights reach loses bits first."""
        coarsest = min(self.fmt[name].frac_bits for name in names)
        names = [
            name
            if self.fmt[name].frac_bits <= coarsest + ALIGN
            else self._in_format(node, name, replace(self.fmt[name], frac_bits=coarsest + ALIGN))
            for name in names
        ]
        frac = max(self.fmt[name].frac_bits for name in names)
        weights = tuple(sign << (frac - self.fmt[name].frac_bits) for sign, name in zip(signs, names, strict=False))
        z, shift = self._requantised(node, z, frac)
        return Sums("QSum", tuple(names), {"weights": weights}, {}, z, shift)

    def _joined(self, node: Node, z: Format) -> Sums:
        return self._sum(node, node.inputs, z, (1, -1 if node.op == "Sub" else 1))

    def _product(self, node: Node, z: Format) -> Sums:
        z, shift = self._requantised(node, z, sum(self.fmt[name].frac_bits for name in node.inputs))
        return Sums("QProduct", node.inputs, {}, {}, z, shift)

    def _pooled(self, node: Node, z: Format) -> Sums:
        """Sums over a window times one over the taps that count, in 16 bits."""
        x = self.graph.tensors[node.inputs[0]].shape
        attrs = dict(node.attrs)
        if node.op == "GlobalAveragePool":
            attrs = {"kernel_shape": x[2:], "strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0)}
            attrs |= {"ceil_mode": 0, "count_include_pad": 0}
        axes = windows.axes(replace(node, attrs=attrs), x, attrs["kernel_shape"])
        used = np.unique(pooling.counts(replace(node, attrs=attrs), *axes))
        shares = np.zeros(int(np.prod(attrs["kernel_shape"])) + 1)
        shares[used] = 1 / used
        weight_frac = finest_weight_frac(shares)
        assert weight_frac is not None
        codebook = np.floor(np.ldexp(shares, weight_frac) + 0.5).astype(np.int64)
        z, shift = self._requantised(node, z, self.fmt[node.inputs[0]].frac_bits + weight_frac)
        attrs["weight_frac"] = weight_frac
        return Sums("QAveragePool", node.inputs[:1], attrs, {"codebook": codebook}, z, shift)

    def _layer(self, node: Node, z: Format) -> Sums:
        name, weight, bias = node.inputs
        book, biases, x = self.graph.codebooks[weight], self.graph.constants[bias].astype(np.float64), self.fmt[name]
        if not np.isfinite(biases).all():
            raise EmccError("its bias is NaN or infinite", node=node.name, hint="train it again, or rescale it")
        try:
            scaled = scale_layer(book, biases, x, self.low.get(name, x.low), z)
        except OverflowError:
            raise no_scale(node) from None
        attrs = {"code_w": book.code_w, "weight_frac": scaled.weight_frac, **node.attrs}
        codes = book.codes if scaled.codes is None else scaled.codes
        arrays: dict[str, Array | None] = {"codes": codes, "codebook": scaled.codebook, "bias": scaled.bias}
        arrays |= {} if scaled.multiplier is None else {"multiplier": scaled.multiplier}
        z = replace(z, frac_bits=scaled.z_frac)
        return Sums(f"Q{node.op}", (name,), attrs, arrays, z, scaled.shift(x.frac_bits))

    def build(self) -> Graph:
        """The graph, with tables for its functions; equal tables are one constant."""
        parts = [part for part in self.parts if isinstance(part, _Part)]
        tables = iter(function_table.build([part.wanted for part in parts if part.wanted]))
        nodes: list[Node] = []
        constants: dict[str, Array] = {}
        known: dict[bytes, str] = {}

        def constant(name: str, value: Array) -> str:
            constants[name := _unique(name, {*self.graph.tensors, *constants})] = value
            return name

        for part in self.parts:
            if isinstance(part, Node):
                constants |= {name: self.graph.constants[name] for name in part.inputs if name in self.graph.constants}
                nodes.append(part)
                continue
            sums = part.sums
            attrs = {**sums.attrs, "z_frac": sums.z.frac_bits, "shift": sums.shift, "function": part.function}
            attrs |= {"lo_bits": 0, "hi_bits": 0, "act_w": sums.z.width}
            inputs = [*sums.inputs]
            for role, value in sums.arrays.items():
                inputs.append("" if value is None else constant(f"{part.name}.{role}", value))
            if part.wanted:
                table, _ = next(tables)
                attrs |= {"lo_bits": table.lo_bits, "hi_bits": table.hi_bits}
                inputs += [""] if "bias" in sums.arrays and "multiplier" not in sums.arrays else []
                for role, entries in (("coarse", table.coarse), ("fine", table.fine)):
                    key = role.encode() + entries.tobytes()
                    known[key] = known.get(key) or constant(f"{part.name}.{role}", entries)
                    inputs.append(known[key])
            nodes.append(Node(part.name, sums.op, tuple(inputs), (part.output,), attrs))
        # The weights of what stays in floats are stored as they are shared. Without a part in integers there are no
        # codebooks: by these Graph.layers tells a calibrated graph from one that is the host's but for a pool.
        books = {name: book for name, book in self.graph.codebooks.items() if name in constants and parts}
        tensors = {**self.graph.tensors, **self.aligned}
        tensors = {name: replace(tensors[name], fmt=fmt) for name, fmt in self.fmt.items()}
        made = self.graph.with_(nodes=tuple(nodes), tensors=tensors, constants=constants, codebooks=books)
        return made.with_(units={}, ranges={})


_SUMS: Mapping[str, Callable[[_Draft, Node, Format], Sums]] = {
    "Add": _Draft._joined,
    "AveragePool": _Draft._pooled,
    "Conv": _Draft._layer,
    "GlobalAveragePool": _Draft._pooled,
    "Linear": _Draft._layer,
    "Mul": _Draft._product,
    "Sub": _Draft._joined,
}


def _sample(graph: Graph, name: str) -> tuple[int, ...]:
    return tuple(int(size or 1) for size in graph.tensors[name].shape[1:])


def _unique(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _format(fmt: Format | None, name: str) -> Format:
    if fmt is None:
        raise ValueError(f"{name}: calibrate before quantise")
    return fmt


def table_errors(calibrated: Graph, quantised: Graph) -> Mapping[str, float]:
    """By node: the greatest error of its function table over every z, in output ulps (of the saturated function)."""
    errors = {}
    nodes = {node.name: node for node in quantised.nodes}
    for made in producers(calibrated):
        node = nodes[made.node.name]
        if node.attrs.get("function") != "table" or made.activation is None:
            continue
        y = _format(quantised.tensors[made.y].fmt, node.name)
        z = Format(node.attrs["act_w"], node.attrs["z_frac"])
        coarse, fine = (quantised.constants[name] for name in node.inputs[-2:])
        table = Table(node.attrs["lo_bits"], node.attrs["hi_bits"], coarse, fine)
        wanted = np.clip(target(made.activation, z, y), y.low, y.high)
        errors[node.name] = float(np.abs(function_table.tabulated(table, z.width) - wanted).max())
    return errors
