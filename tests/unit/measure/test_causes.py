"""Each cause of a loss, planted alone, is found first."""

from dataclasses import replace

import numpy as np
import pytest
from graphs import folded

from emcc.compress.kmeans import Share
from emcc.ir.graph import Format, Graph
from emcc.measure.causes import CODEBOOKS, PRUNING, ROUNDING, SATURATION, causes
from emcc.measure.quality import Quality
from emcc.passes.calibrate import Calibrate
from emcc.samples.dataset import Dataset
from emcc.samples.split import split

X = np.random.default_rng(0).standard_normal((400, 12)).astype(np.float32)


def with_frac(graph: Graph, shift: int) -> Graph:
    """A calibrated graph whose hidden tensors have so many more fraction bits."""
    names = {name for node in list(graph.nodes)[:-1] for name in node.outputs}
    tensors = {
        name: replace(tensor, fmt=Format(tensor.fmt.width, tensor.fmt.frac_bits + shift))
        if name in names and tensor.fmt
        else tensor
        for name, tensor in graph.tensors.items()
    }
    return graph.with_(tensors=tensors)


@pytest.mark.parametrize("cause", [PRUNING, CODEBOOKS, ROUNDING, SATURATION])
def test_what_was_planted_is_first(cause: str) -> None:
    original = folded([12, 24, 3], ["Relu"])
    quality = Quality(original, split(Dataset(X), 0.0, 0))
    pruned = original
    if cause == PRUNING:
        weights = original.constants["fc0.weight"]
        pruned = original.with_constants(
            {"fc0.weight": np.where(np.abs(weights) > np.median(np.abs(weights)), weights, 0)}
        )
    shared = (Share(bits=1) if cause == CODEBOOKS else Share(bits=8)).apply(pruned)
    calibrated = Calibrate(data=X).apply(shared)
    shift = {ROUNDING: -13, SATURATION: 3}.get(cause, 0)
    rows = causes(quality, pruned, shared, with_frac(calibrated, shift))
    assert {row["cause"] for row in rows} == {PRUNING, CODEBOOKS, ROUNDING, SATURATION}
    assert rows[0]["cause"] == cause
    assert rows[0]["lost"] > 1
    assert all(row["lost"] < rows[0]["lost"] / 3 for row in rows[1:])
