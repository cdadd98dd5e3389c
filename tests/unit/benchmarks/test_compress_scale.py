"""The scale benchmark on a small VGG-16: what is read back is held against what was written, and bars can be missed."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from benchmarks import compress_scale
from benchmarks.common.scale import compressed, differences, read, written
from benchmarks.common.vgg16 import LAYERS, PARAMETERS, vgg16
from emcc.legal.verify import verify


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    file, steps = tmp_path_factory.mktemp("vgg") / "model.emc", {}
    books = written(compressed(lambda: vgg16(narrower=16), steps), file, steps)
    return books, read(file, steps), steps


def test_the_layers_are_those_of_the_network():
    inputs, count, side = 3, 0, 224
    for layer in LAYERS:
        side //= 2 if layer.pooled else 1
        fan_in = inputs * 9 if layer.is_conv else inputs * side**2 if layer.pooled else inputs
        count, inputs = count + layer.out * (fan_in + 1), layer.out
    assert count == PARAMETERS
    verify(vgg16(narrower=32), after="fold")


def test_densities_are_the_papers(stored):
    books, _, steps = stored
    assert set(steps) == {"prune", "share", "encode", "write", "read", "decode"}
    for layer in LAYERS:
        codes = books[f"{layer.name}.weight"].codes
        assert np.count_nonzero(codes) / codes.size == pytest.approx(layer.density, abs=0.5 / codes.size + 1e-9)


def test_what_is_read_back_is_what_was_written_and_a_wrong_code_is_seen(stored):
    books, graph, _ = stored
    assert differences(books, graph) == []
    name = "fc7.weight"
    codes = books[name].codes.copy()
    codes[3, 5] ^= 1
    assert differences({**books, name: replace(books[name], codes=codes)}, graph) == [name]
    weights = graph.constants[name].copy()
    weights[0, 0] += 1
    assert differences(books, graph.with_constants({name: weights})) == [name]


def test_missed_bars_are_named():
    good = {"seconds": 90, "peak_ratio": 3, "kmeans_speedup": 20, "kmeans_inertia_ratio": 1, "wrong": []}
    assert compress_scale.missed(good) == []
    bad = {"seconds": 91, "decode_mb_s": 99.5, "wrong": ["fc6"]}
    assert compress_scale.missed(bad) == [
        "seconds is 91, not at most 90",
        "decode_mb_s is 99.5, not at least 100",
        "fc6 is not what was written",
    ]
