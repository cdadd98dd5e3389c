"""Equalise: a scale a channel between layers, where the function lets it through (Nagel et al. 2019, section 4.1)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.ir.graph import Array, Graph
from emcc.ops.interpret import trace
from emcc.passes.base import Notes
from emcc.passes.layers import Layer, linear_layers
from emcc.passes.rescale import between
from emcc.passes.scale import SMALL, finite, widest_codes, worthwhile
from emcc.passes.trial import Judge, Trial, can_try

ROUNDS = 8
"""Of going over all pairs: a layer between two others is scaled on both sides."""


def pairs(graph: Graph) -> Iterator[tuple[Layer, Layer]]:
    """The Linear layers with the one Linear layer that alone reads what they give, with nothing between them, or a
    function with f(a x) = a f(x) for a > 0."""
    layers = [layer for layer in linear_layers(graph) if layer.node.op == "Linear"]
    by_input = {layer.x: layer for layer in layers}
    for first in layers:
        readers = sum(first.y in node.inputs for node in graph.nodes)
        through = first.activation is None or "homogeneous" in ops.traits(first.activation.op)
        if first.y in by_input and readers == 1 and through and first.y not in graph.outputs:
            yield first, by_input[first.y]


def by_range(graph: Graph) -> Graph:
    """Rows and the columns that read them have the same largest weight: Nagel et al., equation 11."""
    for _ in range(ROUNDS):
        for first, second in pairs(graph):
            rows = np.abs(graph.constants[first.weight]).max(axis=1).astype(np.float64)
            columns = np.abs(graph.constants[second.weight]).max(axis=0).astype(np.float64)
            used = (rows > 0) & (columns > 0)
            graph = between(graph, first, second, np.sqrt(np.where(used, rows, 1) / np.where(used, columns, 1)))
    return graph


def by_use(graph: Graph, values: Mapping[str, Array]) -> Graph:
    """Every channel has a root mean square of 1 on the samples of which `values` has every tensor."""
    for first, second in pairs(graph):
        y = np.asarray(values[first.y], np.float64)
        spread = np.sqrt(np.square(y).mean(axis=0))
        graph = between(graph, first, second, np.where(spread > 0, spread, 1.0))
    return graph


def divided(before: Graph, after: Graph) -> dict[str, list[float]]:
    """By layer, what each of its rows was divided by: what makes of `before` the same function on `after`'s scales."""
    found: dict[str, list[float]] = {}
    columns: dict[str, Array] = {}
    for first, second in pairs(before):
        old, new = (np.abs(graph.constants[first.weight].astype(np.float64)) for graph in (before, after))
        sums = (old * columns.get(first.weight, np.ones(old.shape[1]))).sum(axis=1), new.sum(axis=1)
        biases = [np.abs(graph.constants[first.bias].astype(np.float64)) for graph in (before, after)]
        over, under = (np.where(rows > 0, rows, own) for rows, own in zip(sums, biases, strict=True))
        scale = np.divide(over, under, out=np.ones(len(over)), where=(over > 0) & (under > 0))
        found[first.node.name], columns[second.weight] = scale.tolist(), scale
    return found


@dataclass(frozen=True)
class Equalise:
    """A folded graph -> the same function with other scales between its layers, where its outputs get better by it.

    Changes weights, so it comes before pruning and codebooks. With `kept` it is done only where no codebook gets wider.
    """

    equalise: bool = option(True, "a scale a channel between layers, where the outputs get better by it")
    judge: Judge | None = None
    kept: bool = False
    notes: Notes = field(default_factory=Notes, compare=False)
    name: ClassVar[str] = "equalise"

    def apply(self, graph: Graph) -> Graph:
        """The graph, equalised or as it was."""
        reason = self._reason(graph)
        if reason or self.judge is None:
            self.notes.did, self.notes.facts = f"skipped: {reason}", {"between": "none"}
            return graph
        trial = self.judge.of(graph)
        best, taken = graph, "none"
        errors = {"none": trial.error(graph)}
        kinds: Mapping[str, Callable[[], Graph]] = {
            "ranges": lambda: by_range(graph),
            "use": lambda: by_use(graph, self._values(graph, trial)),
        }
        for kind, make in kinds.items() if errors["none"] > SMALL else ():
            try:
                found = make()
            except EmccError:
                continue
            errors[kind] = trial.error(found)
            free = not self.kept or widest_codes(found) <= widest_codes(graph)
            if free and worthwhile(errors[kind], errors["none"]) and errors[kind] < errors[taken]:
                best, taken = found, kind
        channels = {"channels": divided(graph, best)} if best is not graph else {}
        self.notes.facts = {"between": taken, "between_errors": finite(errors), **channels}
        self.notes.did = "no scale a channel between layers makes the outputs better by a fifth"
        if taken != "none":
            by = "their weights" if taken == "ranges" else "their use"
            self.notes.did = (
                f"a scale a channel between layers, by {by}: error of the outputs {errors[taken]:.2g} of their "
                f"variance, {errors['none']:.2g} without"
            )
        return best

    def _reason(self, graph: Graph) -> str:
        """Why nothing is tried; "" where something is."""
        if not self.equalise:
            return "[equalise] equalise = false"
        if graph.ranges:
            return "the model states its ranges"
        if self.judge is None:
            return "no data to judge by"
        if not any(pairs(graph)):
            return "no two layers with a function between them that lets scales through"
        return "" if can_try(graph) else "too many weights to try it"

    def _values(self, graph: Graph, trial: Trial) -> dict[str, Any]:
        return trace(graph, trial.rows)
