"""benchmarks/eie_layers.py in Verilator on a small layer, and its gates."""

import json
from dataclasses import replace

import pytest

from benchmarks import eie_layers
from benchmarks.common.layers import FullyConnected, problem
from emcc.eie.options import LowerOptions

TINY = FullyConnected("tiny", 50, 30, 0.3, 0.5, 500)
OPTIONS = LowerOptions(pes=4, queue_depth=16)


@pytest.mark.sim
def test_a_row_holds_what_the_simulation_and_the_model_say():
    rows = eie_layers.run([TINY], ["random"], OPTIONS, lambda _: None)
    row = rows["random"][0]
    assert row["mismatches"] == 0
    assert row["cycles"] == row["predicted_cycles"]
    assert row["ideal"] == max(row["products"] / 4, row["broadcasts"] / row["groups"])
    assert row["utilisation"] == pytest.approx(row["ideal"] / row["cycles"], abs=1e-4)
    assert row["ratio"] == pytest.approx(row["cycles"] / 500)
    assert eie_layers.faults(rows) == []
    assert json.loads(json.dumps(rows)) == rows
    (model,) = eie_layers.run([TINY], ["random"], OPTIONS, lambda _: None, eie_layers.modelled)["random"]
    assert model == {name: value for name, value in row.items() if name != "seconds"}
    assert eie_layers.line(row).count("|") == eie_layers.HEAD.count("|")


@pytest.mark.sim
def test_weights_that_are_not_the_graphs_are_found(tmp_path, monkeypatch):
    task = problem(TINY, "random")
    fastest = eie_layers.fastest

    def negated(graph, options, x):
        constants = {**graph.constants, "book": -graph.constants["book"]}
        return fastest(replace(graph, constants=constants), options, x)

    monkeypatch.setattr(eie_layers, "fastest", negated)
    row = eie_layers.measure(task, OPTIONS, tmp_path)
    assert row["mismatches"] > 10
    assert row["cycles"] == row["predicted_cycles"]


def test_wrong_rows_are_named():
    row = {"name": "tiny", "mismatches": 0, "cycles": 100, "predicted_cycles": 100}
    assert eie_layers.faults({"random": [row]}) == []
    assert eie_layers.faults({"random": [{**row, "mismatches": 2}]}) == ["random tiny: 2 mismatches"]
    assert eie_layers.faults({"unbalanced": [{**row, "cycles": 101}]}) == [
        "unbalanced tiny: 101 cycles, the model says 100"
    ]
