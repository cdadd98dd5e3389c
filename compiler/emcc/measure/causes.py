"""Why quality fell: each of what compiling does to a model, measured by itself."""

from collections.abc import Callable
from typing import Any

import numpy as np

from emcc.ir.graph import Array, Format, Graph
from emcc.measure.alone import finite, held
from emcc.measure.quality import Quality, Run, floats
from emcc.ops.interpret import outputs, trace

PRUNING, CODEBOOKS, ROUNDING, SATURATION = "pruning and training", "codebooks", "activation formats", "saturation"


def causes(quality: Quality, pruned: Graph, shared: Graph, calibrated: Graph) -> list[dict[str, Any]]:
    """Return {"cause", "lost"} in points by the output that lost most, the worst first.

    Pruning is the loss of `pruned` since the original, codebooks that of `shared` since `pruned`, both in floats; then
    `calibrated` (`shared` with formats) in floats whose activations are only rounded, or only held in their range.
    """
    fewer, coded = quality.score(floats(pruned)), quality.score(floats(shared))
    alone = [
        (PRUNING, fewer, quality.before),
        (CODEBOOKS, coded, fewer),
        (ROUNDING, quality.score(_with(calibrated, _rounded)), coded),
        (SATURATION, quality.score(_with(calibrated, held)), coded),
    ]
    rows = [{"cause": cause, "lost": after.lost(since)} for cause, after, since in alone]
    return sorted(rows, key=lambda row: -float(row["lost"]))


def _with(graph: Graph, change: Callable[[Format, Array], Array]) -> Run:
    """Run a calibrated graph in floats, each tensor with a format changed as it is made."""

    def through(name: str, value: Array) -> Array:
        fmt = graph.tensors[name].fmt
        return value if fmt is None else change(fmt, value)

    def run(x: Array) -> Array:
        values = trace(graph, np.asarray(x, np.float64), keep=graph.outputs, through=through)
        return np.asarray(outputs(graph, values), np.float64)

    return run


def _rounded(fmt: Format, value: Array) -> Array:
    scaled = np.ldexp(finite(fmt, value), fmt.frac_bits)
    return np.asarray(np.ldexp(np.floor(scaled + 0.5), -fmt.frac_bits))
