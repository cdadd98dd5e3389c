"""Quantise: floats with formats become integers. The graph is then a chain of QLinear, with one exact meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.ir.graph import Array, Codebook, Format, Graph, Node
from emcc.ir.program import Table
from emcc.ops.fixed import bound_of_counts, code_counts
from emcc.passes import function_table
from emcc.passes.functions import apply_function
from emcc.passes.layers import Layer, linear_layers

WEIGHT = Format(16, 0)
ACC_LIMIT = 1 << 47


@dataclass(frozen=True)
class Scaled:
    """A layer's numbers as integers. Attributes as in QLinear."""

    codebook: Array
    bias: Array
    weight_frac: int
    z_frac: int

    def shift(self, in_frac: int) -> int:
        """The requantising shift."""
        return in_frac + self.weight_frac - self.z_frac


def finest_weight_frac(values: Array) -> int | None:
    """The most fraction bits with which every value fits 16 bits; None where all are zero."""
    if not values.any():
        return None
    frac = 15 - int(np.frexp(np.abs(values).max())[1])
    while _fits(values, frac + 1):
        frac += 1
    while not _fits(values, frac):
        frac -= 1
    return frac


def _fits(values: Array, frac: int) -> bool:
    scaled = np.floor(np.ldexp(values, frac) + 0.5)
    return bool(scaled.min() >= WEIGHT.low and scaled.max() <= WEIGHT.high)


def scale_layer(book: Codebook, bias: Array, x: Format, in_low: int, z: Format) -> Scaled:
    """Integers for a layer: as many weight fraction bits as fit, with the accumulator proven below 2**47.

    `in_low` is the smallest input integer. z loses fraction bits where the product has fewer (shift is never
    negative). Raises OverflowError where no scale fits.
    """
    counts = code_counts(book.codes, 1 << book.code_w)
    finest = finest_weight_frac(book.values)
    # Without weights only the bias has a scale: 15 bits finer than the output's.
    frac = z.frac_bits - x.frac_bits + 15 if finest is None else finest
    values = np.zeros(1 << book.code_w)
    values[: book.values.size] = book.values
    for weight_frac in range(frac, frac - 4096, -1):
        z_frac = min(z.frac_bits, x.frac_bits + weight_frac)
        shift = x.frac_bits + weight_frac - z_frac
        scaled_bias = np.floor(np.ldexp(bias, x.frac_bits + weight_frac) + 0.5)
        if shift > 46 or np.abs(scaled_bias).max(initial=0.0) >= ACC_LIMIT:
            continue
        codebook = np.floor(np.ldexp(values, weight_frac) + 0.5).astype(np.int64)
        integers = scaled_bias.astype(np.int64)
        if bound_of_counts(counts, codebook, integers, in_low, x.high, shift) < ACC_LIMIT:
            return Scaled(codebook, integers, weight_frac, z_frac)
    raise OverflowError


def target(activation: Node, z: Format, y: Format) -> Array:
    """The activation in output ulps for every z, ascending: float64 [2**width]."""
    return np.ldexp(apply_function(activation, z.dequantise(np.arange(z.low, z.high + 1))), y.frac_bits)


@dataclass(frozen=True)
class _Part:
    """A layer on its way: formats of what it takes and gives, and the function to tabulate, if it is one."""

    layer: Layer
    scaled: Scaled
    x: Format
    y: Format
    function: str
    wanted: function_table.Wanted | None


@dataclass(frozen=True)
class Quantise:
    """Folded, shared, calibrated graph -> chain of QLinear (see ops/qlinear for what one means).

    Names stay: a QLinear is called as its Linear, its output as the layer's output.
    """

    table_error: float = option(2.0, "greatest error of a 16-bit function table, in output ulps", low=0.5, high=1024.0)
    name: ClassVar[str] = "quantise"

    def apply(self, graph: Graph) -> Graph:
        """The integer graph. Raises EmccError where a layer's numbers have no common scale."""
        parts = self._parts(graph)
        tables = iter(function_table.build([part.wanted for part in parts if part.wanted]))
        nodes: list[Node] = []
        constants: dict[str, Array] = {}
        tensors = {name: graph.tensors[name] for name in graph.inputs}
        for part in parts:
            layer, book = part.layer, graph.codebooks[part.layer.weight]
            attrs: dict[str, Any] = {
                "code_w": book.code_w,
                "weight_frac": part.scaled.weight_frac,
                "z_frac": part.scaled.z_frac,
                "shift": part.scaled.shift(part.x.frac_bits),
                "function": part.function,
                "lo_bits": 0,
                "hi_bits": 0,
                "act_w": part.y.width,
            }
            arrays = {"codes": book.codes, "codebook": part.scaled.codebook, "bias": part.scaled.bias}
            if part.wanted:
                table, _ = next(tables)
                attrs |= {"lo_bits": table.lo_bits, "hi_bits": table.hi_bits}
                arrays |= {"coarse": table.coarse, "fine": table.fine}
            names = {name: _unique(f"{layer.node.name}.{name}", {*graph.tensors, *constants}) for name in arrays}
            constants |= {names[name]: value for name, value in arrays.items()}
            nodes.append(Node(layer.node.name, "QLinear", (layer.x, *names.values()), (layer.y,), attrs))
            tensors[layer.y] = replace(graph.tensors[layer.y], fmt=part.y)
        return graph.with_(nodes=tuple(nodes), tensors=tensors, constants=constants, codebooks={})

    def _parts(self, graph: Graph) -> list[_Part]:
        """Every layer with its scales and formats, each from what the layer before gives."""
        result: list[_Part] = []
        for layer in linear_layers(graph):
            x = result[-1].y if result else _format(graph.tensors[layer.x].fmt, layer)
            low = 0 if result and result[-1].function == "relu" else x.low
            scaled = self._scale(graph, layer, x, low)
            z = replace(_format(graph.tensors[layer.z].fmt, layer), frac_bits=scaled.z_frac)
            activation = layer.activation
            traits = ops.traits(activation.op) if activation else frozenset()
            if activation is None or "rectifier" in traits:
                result.append(_Part(layer, scaled, x, z, "relu" if activation else "identity", None))
                continue
            y = _format(graph.tensors[layer.y].fmt, layer)
            tolerance = min(self.table_error, 1.0) if "homogeneous" in traits else self.table_error
            wanted = function_table.Wanted(target(activation, z, y), z, y, tolerance)
            result.append(_Part(layer, scaled, x, y, "table", wanted))
        return result

    def _scale(self, graph: Graph, layer: Layer, x: Format, in_low: int) -> Scaled:
        bias = graph.constants[layer.bias].astype(np.float64)
        problem = "its bias is NaN or infinite"
        if np.isfinite(bias).all():
            try:
                z = _format(graph.tensors[layer.z].fmt, layer)
                return scale_layer(graph.codebooks[layer.weight], bias, x, in_low, z)
            except OverflowError:
                problem = "its weights and biases have no common fixed-point scale"
        raise EmccError(problem, node=layer.node.name, hint="train it again, or rescale it")


def _unique(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _format(fmt: Format | None, layer: Layer) -> Format:
    if fmt is None:
        raise ValueError(f"{layer.node.name}: calibrate before quantise")
    return fmt


def table_errors(calibrated: Graph, quantised: Graph) -> Mapping[str, float]:
    """By layer: the greatest error of its function table over every z, in output ulps (of the saturated function)."""
    errors = {}
    nodes = {node.name: node for node in quantised.nodes}
    for layer in linear_layers(calibrated):
        node = nodes[layer.node.name]
        if node.attrs["function"] != "table" or layer.activation is None:
            continue
        y = _format(quantised.tensors[layer.y].fmt, layer)
        z = Format(node.attrs["act_w"], node.attrs["z_frac"])
        coarse, fine = (quantised.constants[name] for name in node.inputs[-2:])
        table = Table(node.attrs["lo_bits"], node.attrs["hi_bits"], coarse, fine)
        wanted = np.clip(target(layer.activation, z, y), y.low, y.high)
        errors[layer.node.name] = float(np.abs(function_table.tabulated(table, z.width) - wanted).max())
    return errors
