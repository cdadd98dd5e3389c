"""Scale: a model's own normalisation, and a scale and an offset a feature and an output, become the host's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.base.text import printable
from emcc.ir.affine import plain
from emcc.ir.codebook import CODE_WIDTHS
from emcc.ir.graph import PLAIN, Graph
from emcc.ops import interpret
from emcc.passes import features
from emcc.passes.base import Notes
from emcc.passes.dequantise import dequantised
from emcc.passes.fold import Fold
from emcc.passes.front import behind, split
from emcc.passes.ranges import ranges
from emcc.passes.rescale import enters, first_layers, last_layer, leaves
from emcc.passes.trial import Judge, Trial, can_try

WORTH = 0.8
"""An error at the output has to fall to this share of what it was, for a change of scales."""

WORTH_OF_DATA = 1 / 3
"""The same, for scales of inputs from the data: where units are alike they change little but what is pruned, and
weights of often used inputs cost cycles (the digits of `make demo`: 0.45, the same accuracy, 15 % more cycles)."""

FEW_BITS = 8.0
"""Without data: an offset of the model's own normalisation that is larger, once scaled, is the host's."""

SMALL = 1e-4
"""Share of the outputs' variance: an error below it is not worth scales from the data."""

LOST = 1e-3
"""Share of the outputs' variance that rounding the input may cost before the user is told."""


@dataclass(frozen=True)
class Scale:
    """A folded graph -> the same function with `affines`, which `interpret.run` applies: see docs/adr/0027.

    Attributes:
        source: the model before folding, whose normalisation may be taken off.
        judge: what decides, on data; None without data.
        kept: whether the weights must keep their codebooks (--keep-weights).
        classes: whether a class is made of the outputs, which then stay as they are.
    """

    inputs: str = option(
        "auto", "scales of inputs on the host: auto, the model's own normalisation alone, or none",
        choices=("auto", "model", "none"),
    )  # fmt: skip
    outputs: bool = option(True, "offsets and scales of outputs on the host, where the last layer has no function")
    source: Graph | None = None
    reach: float = 8.0
    judge: Judge | None = None
    trial: Trial | None = None
    kept: bool = False
    classes: bool = False
    notes: Notes = field(default_factory=Notes, compare=False)
    name: ClassVar[str] = "scale"

    def apply(self, graph: Graph) -> Graph:
        """The graph with scales at its ends. Raises EmccError where a folded weight is beyond float32."""
        facts: dict[str, Any] = {}
        if graph.ranges:
            self.notes.did, self.notes.facts = "the model's own scales", {"inputs": "model", "outputs": "model"}
            return graph if self.inputs == "none" else self._of_integers(graph)
        if self.judge is not None and self.trial is None:
            return replace(self, trial=self.judge.of(graph)).apply(graph)
        scaled, words = self._inputs(graph, facts)
        scaled, more = self._outputs(scaled, facts)
        self.notes.did = "; ".join([words, *([more] if more else [])])
        self.notes.facts = facts
        return scaled

    def _of_integers(self, graph: Graph) -> Graph:
        """A model whose file states ranges, without the normalisation of its input."""
        if self.source is None or (found := split(dequantised(self.source))) is None or plain(found[1]):
            return graph
        (rest, inner), (name,) = found, graph.inputs
        if name in rest.ranges and rest.ranges[name] == graph.ranges.get(name):
            ends = inner.enter(np.asarray(rest.ranges[name])[:, None])
            rest = rest.with_(ranges={**rest.ranges, name: (float(ends.min()), float(ends.max()))})
        folded = Fold().apply(rest)
        return folded.with_(affines={**folded.affines, name: behind(graph.affines.get(name, PLAIN), inner)})

    def _inputs(self, graph: Graph, facts: dict[str, Any]) -> tuple[Graph, str]:
        """(the graph with the best scales of its input, a sentence)."""
        facts["inputs"] = "none"
        found = own = None
        best, words = graph, "inputs as they are"
        if self.inputs != "none" and (own := self._own()) is not None:
            best, facts["inputs"], words = own, "model", "inputs: the model's own normalisation is the host's"
        if not self._tried(graph):
            return best, words
        assert self.trial is not None
        if self.inputs != "none":
            errors = {"none": self._error(graph)}
            if own is not None:
                errors["model"] = self._error(own)
                if errors["model"] > errors["none"] / WORTH:
                    best, facts["inputs"], words = graph, "none", "inputs as they are: their normalisation is folded"
            taken = facts["inputs"]
            found = self._from_data(graph) if self.inputs == "auto" and errors[taken] > SMALL else None
            if found is not None:
                errors["data"] = self._error(found)
                if worthwhile(errors["data"], errors[taken], WORTH_OF_DATA) and self._free(found, best):
                    best, facts["inputs"] = found, "data"
                    words = (
                        f"inputs: scales a feature from the data are the host's; error of the outputs "
                        f"{errors['data']:.2g} of their variance, {errors[taken]:.2g} without"
                    )
            facts["errors"] = finite(errors)
        self._warn(best, found)
        return best, words

    def _error(self, graph: Graph) -> float:
        """The error of the outputs, with scales of their own where they may have such: none hides the others'."""
        assert self.trial is not None
        if self._scalable(graph):
            try:
                graph = leaves(graph, features.of_outputs(self.trial.exact, scaled=True))
            except EmccError:
                return float("inf")
        return self.trial.error(graph)

    def _scalable(self, graph: Graph) -> bool:
        """Whether outputs may have offsets and scales."""
        return self.outputs and not self.classes and not graph.host and last_layer(graph) is not None

    def _tried(self, graph: Graph) -> bool:
        return self.trial is not None and can_try(graph) and bool(first_layers(graph))

    def _own(self) -> Graph | None:
        """The model with its own normalisation as the host's, folded; None where it has none."""
        if self.source is None:
            return None
        whole = split(self.source)
        if whole is None:
            return None
        affine, elements = whole[1], self.source.tensors[self.source.inputs[0]].features
        if self.trial is not None:
            hosted = ~features.often_zero(self.trial.x.reshape(len(self.trial.x), -1))
        else:
            hosted = np.broadcast_to(np.abs(affine.offset * affine.scale) > FEW_BITS, elements)
        found = split(self.source, hosted)
        if found is None or plain(found[1]):
            return None
        rest, affine = found
        return Fold().apply(rest).with_(affines={self.source.inputs[0]: affine})

    def _from_data(self, graph: Graph) -> Graph | None:
        assert self.trial is not None
        x = graph.affines.get(graph.inputs[0], PLAIN).enter(np.asarray(self.trial.x, np.float64))
        try:
            return enters(graph, features.of_inputs(x, self.trial.calibrate.bits))
        except EmccError:
            return None

    def _free(self, found: Graph, best: Graph) -> bool:
        """Whether codebooks that are to be kept stay as narrow."""
        return not self.kept or widest_codes(found) <= widest_codes(best)

    def _warn(self, graph: Graph, found: Graph | None) -> None:
        """Name the features that one scale loses, where that costs something at the outputs."""
        assert self.trial is not None
        trial, source = self.trial, graph.inputs[0]
        fmt = trial.calibrate.apply(graph).tensors[source].fmt
        assert fmt is not None
        affine = graph.affines.get(source, PLAIN)
        exact = affine.enter(trial.rows)
        rounded = fmt.dequantise(fmt.quantise(exact))
        cost = trial.of(np.asarray(interpret.run(graph.with_(affines={}), rounded.reshape(trial.rows.shape))))
        lost = np.square(rounded - exact).mean(axis=0) > 0.01 * exact.var(axis=0)
        lost &= exact.var(axis=0) > 0
        if cost < LOST or not lost.any():
            return
        names = ", ".join(str(i) for i in np.flatnonzero(lost)[:8]) + (" ..." if lost.sum() > 8 else "")
        hint = "give the model normalised inputs"
        if self.inputs != "auto":
            hint = 'scales a feature would keep them ([scale] inputs = "auto")'
        if self.kept and found is not None:
            hint = (
                f"scales a feature would need {widest_codes(found)} instead of {widest_codes(graph)} distinct "
                "weights a layer: compile without --keep-weights"
            )
        self.notes.warnings.append(
            f"one scale for all inputs loses {int(lost.sum())} of {lost.size} features of "
            f"{printable(source, 40)!r} (number {names}), whose units are small beside the others': "
            f"{cost:.1%} of the outputs' variance is gone by that alone; {hint}"
        )

    def _outputs(self, graph: Graph, facts: dict[str, Any]) -> tuple[Graph, str]:
        facts["outputs"] = "none"
        if not self._scalable(graph):
            return graph, ""
        if self.trial is None:
            return self._centred(graph, facts)
        if not can_try(graph):
            return graph, ""
        y = self.trial.exact
        least, best, words = self.trial.error(graph), graph, ""
        kinds: tuple[tuple[str, bool, Callable[[Graph], bool]], ...] = (
            ("offsets", False, lambda found: True),
            ("offsets and scales", True, lambda found: least > SMALL and self._free(found, graph)),
        )
        for kind, scaled, free in kinds:
            try:
                found = leaves(graph, features.of_outputs(y, scaled=scaled))
            except EmccError:
                continue
            error = self.trial.error(found)
            if error < least * WORTH and free(found):
                words = f"outputs: {kind} are the host's; error {error:.2g} of their variance, {least:.2g} without"
                least, best, facts["outputs"] = error, found, kind
        return best, words

    def _centred(self, graph: Graph, facts: dict[str, Any]) -> tuple[Graph, str]:
        """Without data: the middle of what an output can be is its offset, where all of it is far from 0."""
        known = ranges(graph, self.reach)
        if known is None:
            return graph, ""
        low, high = (part.ravel() for part in (known[graph.outputs[0]].low, known[graph.outputs[0]].high))
        middle, half = (low + high) / 2, (high - low) / 2
        if not (np.abs(middle) > 2 * half).any():
            return graph, ""
        facts["outputs"] = "offsets"
        offset = features.of_outputs(np.where(np.abs(middle) > 2 * half, middle, 0.0)[None], scaled=False)
        return leaves(graph, offset), "outputs: their middles are the host's offsets"


def worthwhile(error: float, without: float, worth: float = WORTH) -> bool:
    """Whether an error is enough less for a change."""
    return error < without * worth and without > SMALL


def finite(errors: Mapping[str, float]) -> dict[str, float]:
    """Those that are numbers: what has no integers has no error either."""
    return {kind: error for kind, error in errors.items() if np.isfinite(error)}


def widest_codes(graph: Graph) -> int:
    """Distinct weights of the layer that has most, as codes have room for: 2, 4, 16, 256, or more than that."""
    most = max(np.unique(graph.constants[node.inputs[1]]).size for node in graph.layers())
    return next((1 << bits for bits in CODE_WIDTHS if most <= 1 << bits), most)
