"""The paper's table: coders against the entropy of their models, and a row a layer and pass."""

from pathlib import Path

import models
import numpy as np
import pytest

from emcc.container import decode, encode
from emcc.driver.compile import compile_model
from emcc.driver.request import CompileOptions
from emcc.measure.sections import layer_sizes
from emcc.report.paper import over, paper_table, parts


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, bytes]:
    folder = tmp_path_factory.mktemp("coding")
    path = models.save(models.mlp((30, 50, 5), seed=1), folder / "m.onnx")
    rng = np.random.default_rng(0)
    np.savez(folder / "d.npz", x=rng.standard_normal((300, 30)).astype(np.float32), y=rng.integers(0, 5, 300))
    made = compile_model(CompileOptions(path, data=folder / "d.npz", fixed=True))
    return made.manifest, made.files["model.emc"]


def test_each_coder_against_the_entropy_of_its_model(facts: tuple[dict, bytes]) -> None:
    manifest, encoded = facts
    rows, total = manifest["compression"]["layers"], manifest["compression"]["totals"]
    graph = decode(encoded)
    for coding in ("huffman", "range"):
        for row, size in zip(rows, layer_sizes(encode(graph, coding=coding)), strict=True):
            cost = row["coders"][coding]
            assert cost["bytes"] == size.codes.bytes + size.runs.bytes
            assert 0 < cost["entropy_bytes"] < cost["bytes"]
        assert total["coders"][coding]["bytes"] == sum(row["coders"][coding]["bytes"] for row in rows)
    assert total["bytes"] == len(encoded)


def test_huffmans_entropy_counted_by_hand(facts: tuple[dict, bytes]) -> None:
    manifest, encoded = facts
    graph = decode(encoded)
    node = next(graph.layers())
    codes = graph.constants[node.inputs[1]]
    counts = np.bincount(codes[codes != 0])
    counts = counts[counts > 0]
    least = -(counts * np.log2(counts / counts.sum())).sum() / 8
    assert manifest["compression"]["layers"][0]["coders"]["huffman"]["entropy_bytes"] >= least * 0.999999


def test_the_table_is_drawn(facts: tuple[dict, bytes]) -> None:
    table = paper_table(facts[0]["compression"])
    assert [str(column.header).split("\n")[0] for column in table.columns][-2:] == ["Huffman", "range coder"]
    assert table.row_count == 2
    assert over({"bytes": 101, "entropy_bytes": 100.0}) == "101 B +1.0 %"
    assert over({"bytes": 0, "entropy_bytes": 0.0}) == "0 B"


def test_a_row_a_layer_and_pass(facts: tuple[dict, bytes]) -> None:
    rows = facts[0]["layer_passes"]
    assert [(row["pass"], row["layer"]) for row in rows] == [
        (name, layer) for name in ("prune", "share", "finetune") for layer in ("fc0", "fc1")
    ]
    for row in rows:
        shared = row["pass"] != "prune"
        assert (row["bytes"] is not None) == (row["bits"] is not None) == shared
        assert 0 <= row["agreement"] <= 100
        assert row["kept"] / row["density"] == pytest.approx(1500 if row["layer"] == "fc0" else 250)
    assert rows[2]["inertia"] > 0
    last = [row["bytes"] for row in rows[-2:]]
    assert last == [row["bytes"] for row in facts[0]["layers"]]


def test_matrices_that_the_model_has_not(tmp_path: Path) -> None:
    """Half of the channels and a BatchNormalization become matrices of the file; no row of the table is theirs."""
    rng = np.random.default_rng(0)
    weights = {
        **{name: rng.uniform(0.5, 1, 4).astype(np.float32) for name in ("scale", "shift", "mean", "variance")},
        **{"k": rng.standard_normal((4, 2, 3, 3)).astype(np.float32)},
        **{"from": np.array([0]), "to": np.array([2]), "axes": np.array([1])},
    }
    nodes = [
        models.node("BatchNormalization", ["x", "scale", "shift", "mean", "variance"], "n", "normalised"),
        models.node("Relu", ["n"], "r", "act"),
        models.node("Slice", ["r", "from", "to", "axes"], "h", "half"),
        models.node("Conv", ["h", "k"], "c", "conv"),
        models.node("Relu", ["x"], "e", "beside"),
        models.node("GlobalAveragePool", ["e"], "g", "mean_of"),
        models.node("Add", ["c", "g"], "y", "sum"),
    ]
    path = models.save(models.model(nodes, ["n", 4, 6, 6], ["n", 4, 4, 4], weights=weights), tmp_path / "m.onnx")
    made = compile_model(CompileOptions(path, keep_weights=True, pes=2))
    table, encoded = made.manifest["compression"], made.files["model.emc"]
    assert [row["name"] for row in table["layers"]] == ["conv"]
    sizes = {size.name: size.bytes for size in layer_sizes(encoded)}
    total = table["totals"]
    assert total["made_bytes"] == sum(sizes.values()) - sizes["conv"] > 0
    assert total["header_bytes"] + total["made_bytes"] + table["layers"][0]["bytes"] == len(encoded)
    assert f"{total['made_bytes']:,} matrices of what is no layer" in parts(table)
    facts = made.manifest
    assert len(facts["layers"]) > 1
    assert facts["totals"]["weights"] == 4 * 2 * 9
    (own,) = (row for row in facts["layers"] if "made" not in row)
    assert (own["name"], own["dense_cycles"]) == ("conv", facts["totals"]["dense_cycles"])
