"""The paper's table: coders against the entropy of their models, and a row a layer and pass."""

import models
import numpy as np
import pytest

from emcc.container import decode, encode
from emcc.driver.compile import compile_model
from emcc.driver.request import CompileOptions
from emcc.measure.sections import layer_sizes
from emcc.report.paper import over, paper_table


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
