"""A trial: what a float graph costs at its output once it is shared, calibrated and quantised."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from emcc.base.errors import EmccError
from emcc.ir.graph import Array, Graph
from emcc.ops import interpret
from emcc.passes.base import Pass
from emcc.passes.calibrate import Calibrate
from emcc.passes.quantise import Quantise
from emcc.passes.reach import few

ROWS = 256
MOST = 1 << 22
"""Weights of the largest graph that is tried: sharing those of a larger one takes minutes."""


@dataclass(frozen=True)
class Judge:
    """What trials of a compile have in common: see Trial."""

    x: Array
    share: Pass
    calibrate: Calibrate

    def of(self, original: Graph) -> "Trial":
        """A trial of what shall stand for a graph."""
        return Trial(original, self.x, self.share, self.calibrate)


@dataclass(frozen=True)
class Trial:
    """Shares, calibrates and quantises graphs of one function, and holds their outputs against the original's.

    Attributes:
        original: the float graph. x: float32 [n, ...]; at most ROWS samples are run, spread evenly.
        share: what shares weights, as the compile will. calibrate: as the compile will, on x.
    """

    original: Graph
    x: Array
    share: Pass
    calibrate: Calibrate

    @cached_property
    def rows(self) -> Array:
        """float64 [n, ...]: the samples that are run."""
        count = min(ROWS, len(self.x))
        return np.asarray(self.x[np.arange(count) * len(self.x) // count], np.float64)

    @cached_property
    def exact(self) -> Array:
        """float64 [n, features]: the original's outputs."""
        return np.asarray(interpret.run(self.original, self.rows), np.float64).reshape(len(self.rows), -1)

    def error(self, graph: Graph) -> float:
        """The error of the outputs, as a share of their variance; infinite where the graph has no integers."""
        try:
            shared = self.share.apply(graph)
            calibrated = replace(self.calibrate, data=self.x).apply(shared)
            outputs = interpret.answers(Quantise().apply(calibrated), self.rows)
        except EmccError:
            return float("inf")
        return self.of(outputs)

    def of(self, outputs: Array) -> float:
        """The error of outputs [n, ...]: the mean over features of the squared error over the variance.

        A feature's variance counts at least as 1e-6 of its mean square, so that one that never moves has a scale. Of
        the errors, and of the distances that make the variance, the `few` largest are left out.
        """
        wrong = _usual(np.square(outputs.reshape(self.exact.shape) - self.exact))
        return float((wrong / np.where(self.spread > 0, self.spread, 1.0)).mean())

    @cached_property
    def spread(self) -> Array:
        """float64 [features]: the original outputs' variance."""
        least = 1e-6 * _usual(np.square(self.exact))
        return np.maximum(_usual(np.square(self.exact - np.median(self.exact, axis=0))), least)


def _usual(squares: Array) -> Array:
    """float64 [features]: the mean of squares [n, features], but for the few largest of each feature."""
    n = len(squares)
    kept = n - few(n)
    return np.asarray(np.partition(squares, kept - 1, axis=0)[:kept].mean(axis=0))


def can_try(graph: Graph) -> bool:
    """Whether a graph is small enough."""
    return sum(graph.constants[node.inputs[1]].size for node in graph.layers()) <= MOST
