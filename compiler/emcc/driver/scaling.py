"""Scales at the ends of the array and between layers, and samples far outside: what compile and compress do alike."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from emcc.base.text import printable
from emcc.compress.method import Codebooks, Method, Zeros
from emcc.compress.product.product import Product, Scalars
from emcc.driver.recipe import Recipe
from emcc.ir.batch import apart, ends
from emcc.ir.graph import INDICES, PLAIN, Array, Graph
from emcc.passes.base import Pass
from emcc.passes.calibrate import Calibrate
from emcc.passes.equalise import Equalise
from emcc.passes.scale import Scale
from emcc.passes.trial import ROWS, Judge
from emcc.samples.dataset import Dataset
from emcc.samples.far import Far, far, warning, without

CHUNK = 1 << 22
PART = 0.6
"""Of the recipe's strength of pruning: what a model bears without training, so that its error still tells something."""
MANY = 1e-3
"""Share of samples whose inputs saturate, from which the user is told; of 8 bits saturation makes the best."""


@dataclass(frozen=True)
class Pruned:
    """Compression without training: what scales are judged through, since they change what is pruned too."""

    zeros: Zeros
    codebooks: Codebooks
    factors: tuple[Method, ...] = ()

    @property
    def name(self) -> str:
        """The codebooks'."""
        return self.codebooks.name

    def apply(self, graph: Graph) -> Graph:
        """The graph, with layers split, pruned and shared."""
        for step in self.factors:
            graph = step.apply(graph)
        return self.codebooks.apply(self.zeros.apply(graph))


@dataclass(frozen=True)
class Scaling:
    """The passes, and what there is to say of them once they ran.

    Attributes:
        data: without the samples that are far outside; far: those.
    """

    scale: Scale
    equalise: Equalise
    data: Dataset | None
    far: tuple[Far, ...]

    @classmethod
    def of(cls, recipe: Recipe, source: Graph, data: Dataset | None, keep_weights: bool) -> "Scaling":
        """As the recipe says, for a model as it was read."""
        rows = any(source.tensors[name].dtype in INDICES for name in source.inputs)
        outside = far(data.x) if data is not None and not rows else []
        data = without(data, outside) if data is not None else None
        calibrate = recipe.of(Calibrate)
        judge = None
        if data is not None:
            codebooks = recipe.codebooks.on(data.x)
            pruned = Pruned(recipe.zeros.given(None).partly(PART), codebooks, recipe.factors)
            share: Pass = codebooks.kept() if keep_weights else pruned
            share = Scalars(share) if isinstance(codebooks, Product) else share
            quick = replace(calibrate, data=data.x, samples=min(calibrate.samples, ROWS), whole=False)
            judge = Judge(np.asarray(data.x), share, quick)
        labels = [] if data is None else [data.of(place) for place in range(len(source.outputs))]
        labelled = any(y is not None and y.dtype.kind in "iu" for y in labels)
        scale = replace(
            recipe.of(Scale), source=source, reach=calibrate.reach, judge=judge, kept=keep_weights, classes=labelled
        )
        equalise = replace(recipe.of(Equalise), judge=judge, kept=keep_weights)
        return cls(scale, equalise, data, tuple(outside))

    @property
    def passes(self) -> tuple[Pass, ...]:
        """What runs after folding."""
        return (self.scale, self.equalise)

    def warnings(self, facts: Mapping[str, Any]) -> list[str]:
        """What the user should know; `facts` as from here."""
        seen, saturated = (len(self.data) if self.data else 0), facts.get("saturated", 0)
        told = [warning(list(self.far), len(self.far) + seen)] if self.far else []
        if saturated > MANY * seen and self.scale.judge is not None and self.scale.judge.calibrate.bits > 8:
            told.append(
                f"{saturated:,} of {seen:,} samples have inputs that saturate: calibrate on more of them ([calibrate] "
                "samples), or leave more room ([calibrate] headroom)"
            )
        return told + self.scale.notes.warnings + self.equalise.notes.warnings

    @property
    def chosen(self) -> dict[str, Any]:
        """What was decided, and the samples that are far outside."""
        decided = {**self.scale.notes.facts, **self.equalise.notes.facts}
        return {**decided, "left_out": [asdict(each) for each in self.far]}

    def facts(self, quantised: Graph) -> dict[str, Any]:
        """emcc.json's "scales": what was decided, and which samples lie outside of the input's format."""
        saturated = 0 if self.data is None else saturating(quantised, self.data)
        return {**self.chosen, "saturated": saturated}

    def said(self, facts: Mapping[str, Any]) -> str:
        """A sentence about samples that the input's format does not hold; "" where there are none."""
        if self.data is None or not (self.far or facts["saturated"]):
            return ""
        left = f"{len(self.far)} left out as far outside all others, " if self.far else ""
        return f"samples: {left}{facts['saturated']:,} of the other {len(self.data):,} have inputs that saturate"


def emptied(original: Graph, compressed: Graph) -> list[str]:
    """A warning about each layer that had weights and has none."""
    return [
        f"layer {printable(node.name, 40)!r} has no weight left: what it gives is constant; keep more ([prune] "
        "sparsity), or all with --keep-weights"
        for node in original.layers()
        if original.constants[node.inputs[1]].any() and not compressed.constants[node.inputs[1]].any()
    ]


def saturating(quantised: Graph, data: Dataset) -> int:
    """How many samples have an input that the format does not hold."""
    count, step = 0, max(1, CHUNK // max(1, data.x[0].size))
    for begin in range(0, len(data), step):
        parts = apart(ends(quantised), np.asarray(data.x[begin : begin + step], np.float64))
        count += int(np.any([_beyond(quantised, name, x) for name, x in parts.items()], axis=0).sum())
    return count


def _beyond(quantised: Graph, name: str, x: Array) -> Array:
    """bool [n]: samples of an input that its format does not hold."""
    fmt = quantised.tensors[name].fmt
    assert fmt is not None
    return np.asarray(fmt.beyond(quantised.affines.get(name, PLAIN).enter(x)).any(axis=1))
