"""Calibrate: every tensor gets a fixed-point format, from what flows through the compressed network."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import networkx
import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.ir.graph import Array, Format, Graph
from emcc.ops.interpret import trace
from emcc.passes.functions import apply_function, flat_beyond
from emcc.passes.layers import Producer, producers

_SYNTHETIC_ROWS = 256


def error(values: Array, fmt: Format) -> float:
    """Mean squared error of `values` in `fmt`, saturation included."""
    return float(np.mean(np.square(fmt.dequantise(fmt.quantise(values)) - values))) if values.size else 0.0


def widest(top: float, bottom: float, width: int) -> int:
    """The most fraction bits with which [bottom, top] does not saturate; width - 1 for an empty range."""
    reach = max(abs(top), abs(bottom))
    if reach == 0:
        return width - 1
    frac = width - int(np.frexp(reach)[1])
    while not (Format(width, 0).low <= np.ldexp(bottom, frac) and np.ldexp(top, frac) <= Format(width, 0).high):
        frac -= 1
    return frac


def choose(values: Array, width: int, headroom: float) -> Format:
    """The format of `values`.

    16 bits have precision to spare: the finest format in which `headroom` times the observed range does not saturate.
    8 bits do not: of that format and the three finer ones, which saturate outliers, the least mean squared error.
    """
    top, bottom = float(values.max(initial=0.0)) * headroom, float(values.min(initial=0.0)) * headroom
    if not (np.isfinite(top) and np.isfinite(bottom)):
        raise OverflowError
    safe = widest(top, bottom, width)
    finest = safe if width > 8 else safe + 3
    return min((Format(width, frac) for frac in range(safe, finest + 1)), key=lambda fmt: error(values, fmt))


def _selected(graph: Graph, formats: Mapping[str, Format]) -> dict[str, Format]:
    """The formats with those of tensors that are selected from others (Concat, MaxPool, Reshape): the coarsest one of
    all that it is selected from, which these take too, so that selecting is exact."""
    groups = networkx.Graph()
    groups.add_nodes_from(formats)
    for node in graph.nodes:
        if "selects" in ops.traits(node.op):
            groups.add_edges_from((name, node.outputs[0]) for name in node.inputs if name in graph.tensors)
    result: dict[str, Format] = {}
    for group in networkx.connected_components(groups):
        fmt = min((formats[name] for name in group if name in formats), key=lambda fmt: fmt.frac_bits)
        result |= dict.fromkeys(group, fmt)
    return result


@dataclass(frozen=True)
class Calibrate:
    """Sets `fmt` on every tensor: chosen for the input, each producer's numbers and each activation's output.

    `data` is float32 [n, ...], of the model's input shape; without it seeded standard normal noise stands in, with
    twice the headroom, and `synthetic` is true: whoever reports the result must say so.
    """

    bits: int = option(16, "bits of an activation", choices=(8, 16))
    headroom: float = option(1.25, "how far beyond the observed range a tensor may go unsaturated", low=1.0, high=256.0)
    samples: int = option(1024, "rows of the data to run, spread evenly over it", low=1, high=1_000_000)
    seed: int = option(0, "seed of the noise that stands in for missing data", low=0)
    data: Array | None = None
    name: ClassVar[str] = "calibrate"

    @property
    def synthetic(self) -> bool:
        """Whether the formats come from noise and not from data."""
        return self.data is None

    def apply(self, graph: Graph) -> Graph:
        """The same graph with formats."""
        values = trace(graph, self._rows(graph).astype(np.float64))
        headroom = self.headroom * (2 if self.synthetic else 1)
        formats: dict[str, Format] = {}
        name = graph.inputs[0]
        try:
            formats[name] = choose(np.asarray(values[name], np.float64), self.bits, headroom)
            for made in producers(graph):
                name = made.node.name
                formats |= self._formats(made, values, headroom)
        except OverflowError:
            raise EmccError(
                "activations are NaN or infinite on the calibration data",
                node=name,
                hint="check the data and the weights",
            ) from None
        tensors = {key: replace(graph.tensors[key], fmt=fmt) for key, fmt in _selected(graph, formats).items()}
        return graph.with_(tensors={**graph.tensors, **tensors})

    def _rows(self, graph: Graph) -> Array:
        shape = tuple(int(size) for size in graph.tensors[graph.inputs[0]].shape[1:] if size is not None)
        if self.data is None:
            return np.random.default_rng(self.seed).standard_normal((_SYNTHETIC_ROWS, *shape)).astype(np.float32)
        count = min(self.samples, len(self.data))
        rows = np.arange(count, dtype=np.int64) * len(self.data) // max(count, 1)
        return np.ascontiguousarray(self.data[rows], np.float32)

    def _formats(self, made: Producer, values: Mapping[str, Any], headroom: float) -> dict[str, Format]:
        z = np.asarray(values[made.z], np.float64)
        y = np.asarray(values[made.y], np.float64)
        node = made.activation
        if node is not None and node is made.node:
            # What the function takes has its format from elsewhere.
            return {made.y: choose(y, self.bits, headroom)}
        if node is None or "rectifier" in ops.traits(node.op):
            # Below zero a ReLU does not care: only what it lets through needs range.
            fmt = choose(y if y.any() else z, self.bits, headroom)
            return {made.z: fmt, made.y: fmt}
        limits = ops.get(node.op).limits
        if limits is None:
            # One scale for both, so that layers can share a table.
            both = (choose(z, self.bits, headroom), choose(y, self.bits, headroom))
            fmt = min(both, key=lambda fmt: fmt.frac_bits)
            return {made.z: fmt, made.y: fmt}
        frac = widest(limits[1], limits[0], self.bits)
        candidates = [Format(self.bits, frac + 1), Format(self.bits, frac)]
        flat = flat_beyond(node, limits, 2.0 ** -(frac + 2))
        z_fmt = choose(np.clip(z, -flat, flat), self.bits, 1.0 if np.abs(z).max() >= flat else headroom)
        exact = apply_function(node, z_fmt.dequantise(z_fmt.quantise(z)))
        return {made.z: z_fmt, made.y: min(candidates, key=lambda fmt: error(exact, fmt))}
