"""Calibrate: every tensor gets a fixed-point format, from what flows through the compressed network."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, ClassVar

import networkx
import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.ir.batch import ends, sample_shape
from emcc.ir.graph import PLAIN, Array, Format, Graph
from emcc.ops.interpret import trace
from emcc.passes.functions import apply_function, flat_beyond
from emcc.passes.layers import Producer, producers
from emcc.passes.ranges import COMMON, SIGMAS, UNIT, ranges, together
from emcc.passes.reach import error, held, safe, widest
from emcc.samples.split import spread

_SYNTHETIC_ROWS, _SPREAD, _OFTEN, _CHUNK = 256, 1025, 4, 1 << 22
"""Samples of noise; numbers of a range, and the part of it that counts where precision is chosen."""


def choose(values: Array, width: int, headroom: float) -> Format:
    """The format of `values`.

    16 bits have precision to spare: the finest format in which `headroom` times the observed range does not saturate.
    8 bits do not: of that format and the three finer ones, which saturate outliers, the least mean squared error.
    """
    coarsest = safe(values, width, headroom).frac_bits
    finest = coarsest if width > 8 else coarsest + 3
    return min((Format(width, frac) for frac in range(coarsest, finest + 1)), key=lambda fmt: error(values, fmt))


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


DEEP = 32.0
"""Below the largest of its row a number of a Softmax is e^-32, or 1e-14 of it."""

ALSO = 16
"""Part of the rows that others of the data may be beside them, which would saturate at the input."""

FEW = 12
"""Samples at which 16 bits keep twice the headroom: the fewer there are, the farther beyond them others lie."""


@dataclass(frozen=True)
class Calibrate:
    """Sets `fmt` on every tensor: chosen for the input, each producer's numbers and each activation's output.

    `data` is float32 [n, ...], of the model's input shape. A few samples that would ruin the format of the others are
    left outside (see `reach.held`), first at the input, which saturates there for what follows. Samples that are not
    among the rows are looked through for such as need one bit more at an input, where there are 16 and `whole`. Without
    data formats come from how far the weights let inputs within `reach` go (see `ranges`), and `synthetic` is true:
    whoever reports the result must say so, in the words of `source`. Where nothing is known of a node, seeded standard
    normal noise stands in, with twice the headroom.
    """

    bits: int = option(16, "bits of an activation", choices=(8, 16))
    headroom: float = option(1.25, "how far beyond the observed range a tensor may go unsaturated", low=1.0, high=256.0)
    samples: int = option(1024, "rows of the data to run, spread evenly over it", low=1, high=1_000_000)
    reach: float = option(
        8.0,
        "without data: the largest input, once the host has scaled it, that formats are made for",
        low=1e-30,
        high=1e30,
    )
    seed: int = option(0, "seed of the noise that stands in for missing data", low=0)
    data: Array | None = None
    whole: bool = True
    _looked: list[tuple[Mapping[str, Format], list[Any], Array]] = field(
        init=False, default_factory=list, compare=False, repr=False
    )
    """(formats of inputs, what the host does to them, samples) of each look through the data: weights have no part."""
    name: ClassVar[str] = "calibrate"

    @property
    def synthetic(self) -> bool:
        """Whether the formats do not come from data."""
        return self.data is None

    def source(self, graph: Graph) -> str:
        """What the formats of a graph come from, in words."""
        if graph.ranges:
            rest = len(graph.tensors) - len(graph.ranges)
            return f"of the ranges that the model states, for {len(graph.ranges)} tensors; {rest} from these or data"
        if self.data is not None:
            return "chosen on the data"
        known = ranges(graph, self.reach)
        if known is None:
            return "chosen on noise"
        loose = [name for name, each in known.items() if not each.proven]
        how, far = "by interval arithmetic", min(COMMON, self.reach)
        if loose:
            how += f", {len(loose)} of {len(known)} tensors within {SIGMAS:.0f} standard deviations of independent "
            how += f"inputs and as far as inputs that are all {far:g} or {-far:g} take them"
        norms = {graph.affines.get(name, PLAIN).norm for name in graph.inputs}
        assumed = f"inputs within +-{self.reach:g} (assumed: [calibrate] reach)"
        within = f"samples of {', '.join(sorted(norms))} norm 1" if norms <= set(UNIT) else assumed
        return f"from ranges: {within}, and the weights, {how}"

    def apply(self, graph: Graph) -> Graph:
        """The same graph with formats."""
        known = ranges(graph, self.reach) if self.synthetic else None
        name = graph.inputs[0]
        try:
            if known is not None:
                alike = together(graph, self.reach)
                reached = {
                    key: np.concatenate([each.ends(), alike[key]]) if alike else each.ends()
                    for key, each in known.items()
                }
                values: dict[str, Any] = unmasked(graph, reached)
                formats, headroom = {source: safe(values[source], self.bits, 1.0) for source in graph.inputs}, 1.0
            else:
                values, formats, headroom = self._traced(graph)
            formats |= {key: self._holding(graph.ranges[key]) for key in graph.inputs if key in graph.ranges}
            for made in producers(graph):
                name = made.node.name
                formats |= self._stated(graph, made) or self._formats(graph, made, values, headroom)
        except OverflowError:
            raise EmccError(
                "activations are NaN or infinite on the calibration data",
                node=name,
                hint="check the data and the weights",
            ) from None
        tensors = {key: replace(graph.tensors[key], fmt=fmt) for key, fmt in _selected(graph, formats).items()}
        return graph.with_(tensors={**graph.tensors, **tensors})

    def _traced(self, graph: Graph) -> tuple[dict[str, Any], dict[str, Format], float]:
        """(every tensor on the rows, the inputs' formats, the headroom): what flows once inputs have saturated."""
        headroom = self.headroom * (2 if self.synthetic else 1)
        first = graph.with_(nodes=(), outputs=graph.inputs)
        rows = self._rows(graph).astype(np.float64)
        if self.bits > 8 and not self.synthetic:
            headroom *= 1 + FEW / len(rows)
        given = trace(first, rows)
        formats = {name: self._choose(graph, name, x, headroom) for name, x in given.items()}
        if not graph.ranges and len(more := self._outside(first, formats, len(rows))):
            given = trace(first, np.concatenate([rows, more]))
            formats = {name: self._choose(graph, name, x, headroom) for name, x in given.items()}
        for name, x in given.items():
            given[name] = np.clip(x, *formats[name].dequantise(np.array([formats[name].low, formats[name].high])))
        return unmasked(graph, trace(graph.with_(affines={}), given)), formats, headroom

    def _outside(self, first: Graph, formats: Mapping[str, Format], rows: int) -> Array:
        """Samples of the data, float64: a few of those that saturate in an input's format, and in none with a bit more.

        Those that are farther outside stay there, for they cost all others more. `rows`: how many were looked at.
        """
        if self.data is None or not self.whole or self.bits == 8 or rows == len(self.data):
            return np.zeros(0)
        host = [first.affines.get(name) for name in formats]
        for known, of, samples in self._looked:
            if known == formats and all(one is other for one, other in zip(of, host, strict=True)):
                return samples
        numbers = _near(first, formats, self.data)
        samples = np.asarray(self.data[numbers[spread(len(numbers), max(1, rows // ALSO))]], np.float64)
        self._looked.append((formats, host, samples))
        return samples

    def _holding(self, ends: tuple[float, float]) -> Format:
        """The finest format that holds a range which the model states."""
        return Format(self.bits, widest(ends[1], ends[0], self.bits))

    def _stated(self, graph: Graph, made: Producer) -> dict[str, Format]:
        """The formats of what a node gives, where the model states its range and no table stands between."""
        if made.y not in graph.ranges:
            return {}
        fmt, node = self._holding(graph.ranges[made.y]), made.activation
        if node is not None and node is made.node:
            return {made.y: fmt}
        plain = node is None or "rectifier" in ops.traits(node.op)
        return {made.z: fmt, made.y: fmt} if plain else {}

    def _choose(self, graph: Graph, name: str, values: Array, headroom: float) -> Format:
        """The format of a tensor [n, ...] for the samples that it should hold."""
        flat = np.asarray(values, np.float64).reshape(len(values), -1)
        kept = flat if self.synthetic else flat[held(flat, _weight(graph, name, flat.shape[1]), self.bits, headroom)]
        return choose(kept, self.bits, headroom)

    def _rows(self, graph: Graph) -> Array:
        shape = sample_shape(ends(graph))
        if self.data is None:
            return np.random.default_rng(self.seed).standard_normal((_SYNTHETIC_ROWS, *shape)).astype(np.float32)
        count = min(self.samples, len(self.data))
        rows = np.arange(count, dtype=np.int64) * len(self.data) // max(count, 1)
        return np.ascontiguousarray(self.data[rows], np.float32)

    def _formats(self, graph: Graph, made: Producer, values: Mapping[str, Any], headroom: float) -> dict[str, Format]:
        z = np.asarray(values[made.z], np.float64)
        y = np.asarray(values[made.y], np.float64)
        node = made.activation
        if node is not None and node is made.node:
            # What the function takes has its format from elsewhere.
            return {made.y: self._choose(graph, made.y, y, headroom)}
        if node is None or "rectifier" in ops.traits(node.op):
            # Below zero a ReLU does not care: only what it lets through needs range.
            fmt = self._choose(graph, made.y, y if y.any() else z, headroom)
            return {made.z: fmt, made.y: fmt}
        limits = ops.get(node.op).limits_of(node.attrs)
        if limits is None:
            # One scale for both, so that layers can share a table.
            both = (self._choose(graph, made.y, z, headroom), self._choose(graph, made.y, y, headroom))
            fmt = min(both, key=lambda fmt: fmt.frac_bits)
            return {made.z: fmt, made.y: fmt}
        frac = widest(limits[1], limits[0], self.bits)
        finer, whole = Format(self.bits, frac + 1), Format(self.bits, frac)
        low, high = finer.rounded(np.array(limits))
        # A bit more costs a sigmoid the last unit of its 1, but one that ends between two powers of two a part of it.
        nearly = finer.low <= low and high <= finer.high + 1
        candidates = [finer, whole] if nearly or not (self.bits > 8 or self.synthetic) else [whole]
        flat = flat_beyond(node, limits, 2.0 ** -(frac + 2))
        z_fmt = choose(np.clip(z, -flat, flat), self.bits, 1.0 if np.abs(z).max() >= flat else headroom)
        seen = np.linspace(z.min(), z.max(), _SPREAD) / _OFTEN if self.synthetic else z
        exact = apply_function(node, z_fmt.dequantise(z_fmt.quantise(seen)))
        return {made.z: z_fmt, made.y: min(candidates, key=lambda fmt: error(exact, fmt))}


def unmasked(graph: Graph, values: dict[str, Any]) -> dict[str, Any]:
    """The values [n, ...] of tensors without the depths of masks: what a Softmax alone reads, through moves or not.

    A mask adds -1e9, or the least number there is, to what attention is not to see. In a Softmax nothing counts that is
    DEEP below the largest of its row: formats need not reach it.
    """
    result, makers = dict(values), {node.outputs[0]: node for node in graph.nodes}
    for node in graph.nodes:
        if node.op != "Softmax":
            continue
        name, axis = node.inputs[0], int(node.attrs.get("axis", -1))
        least = float(np.asarray(values[name]).max(axis=axis).min()) - DEEP
        while name in values and name not in graph.outputs:
            if len([reader for reader in graph.nodes if name in reader.inputs]) > 1:
                break
            result[name] = np.maximum(values[name], least)
            maker = makers.get(name)
            if maker is None or "moves" not in ops.traits(maker.op):
                break
            name = maker.inputs[0]
    return result


def _weight(graph: Graph, name: str, features: int) -> Array:
    """float64 [features]: the sum of the squares of the weights that each element of a tensor meets in the next layers;
    all 1 where something else reads it, or nothing."""
    readers = [node for node in graph.nodes if name in node.inputs]
    if not readers or any(node.op != "Linear" for node in readers):
        return np.ones(features)
    squares = [np.square(graph.constants[node.inputs[1]], dtype=np.float64).sum(axis=0) for node in readers]
    return np.asarray(sum(squares[1:], squares[0]))


def _near(first: Graph, formats: Mapping[str, Format], data: Array) -> Array:
    """The row numbers, int64, of samples beyond an input's format, and beyond none with a bit more.

    All of the data is looked through, a few rows at a time.
    """
    wider = {name: Format(fmt.width, fmt.frac_bits - 1) for name, fmt in formats.items()}
    found, step = [np.zeros(0, np.int64)], max(1, _CHUNK // max(1, prod(data.shape[1:])))
    for begin in range(0, len(data), step):
        rows = np.arange(begin, min(begin + step, len(data)))
        part = trace(first, np.asarray(data[rows], np.float64))
        flat = {name: x.reshape(len(x), -1) for name, x in part.items()}
        near = np.any([formats[name].beyond(x).any(axis=1) for name, x in flat.items()], axis=0)
        far = np.any([wider[name].beyond(x).any(axis=1) for name, x in flat.items()], axis=0)
        found.append(rows[near & ~far])
    return np.concatenate(found)
