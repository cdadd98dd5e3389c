"""The benchmarks that ask the cycle model alone: scaling, the big layer; and the plot."""

import json
from xml.etree import ElementTree

import pytest

from benchmarks import big_layer, scaling
from benchmarks.common.layers import FullyConnected
from benchmarks.common.svg import plot
from emcc.eie.options import LowerOptions

TINY = FullyConnected("tiny", 300, 256, 0.2, 0.5, 1000)


def test_more_pes_are_faster_and_never_better_than_ideal():
    row = scaling.scaled(TINY, "random", [1, 4, 16], 64)
    assert row["speedup"][0] == 1
    assert row["cycles"] == sorted(row["cycles"], reverse=True)
    assert all(0.5 < used <= 1 for used in row["utilisation"])
    assert row["speedup"][2] > 10


@pytest.mark.sim
def test_verilator_confirms_a_point_of_the_scaling(monkeypatch):
    monkeypatch.setattr(scaling, "named", lambda _: [TINY])
    result = scaling.verified([2], "random", 16)
    assert result["faults"] == []
    assert result["cycles"] == scaling.scaled(TINY, "random", [2], 16)["cycles"]


def test_the_big_layer_is_measured(capsys, monkeypatch):
    row = big_layer.measure(TINY, LowerOptions(pes=8))
    assert 0.19 < row["kept"] / row["weights"] < 0.21
    assert row["total_seconds"] == pytest.approx(sum(row["seconds"].values()), abs=0.1)
    assert row["bytes_written"] > row["kept"]


def test_a_plot_is_svg_and_the_same_every_time():
    lines = {"a < b": [(1, 1.0), (4, 3.5)], "c": [(1, 1.0), (4, 3.4)]}
    text = plot("title", "x", "y", lines)
    assert text == plot("title", "x", "y", lines)
    root = ElementTree.fromstring(text)
    texts = [item.text for item in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"title", "a < b", "c"} <= set(texts)
    assert json.dumps(texts)
