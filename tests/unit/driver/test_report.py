"""Figures of the report against figures counted by hand, and names in it against HTML."""

import json
from pathlib import Path

import numpy as np
import pytest
from models import mlp, save

from emcc.driver.compile import compile_model
from emcc.driver.request import CompileOptions
from emcc.files.artefact import Artefact, changed, to_json
from emcc.measure.cost import dense_bytes, dense_cycles
from emcc.report import html
from emcc.report.lines import kilo, notes, percent, seconds


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    folder = tmp_path_factory.mktemp("report")
    path = save(mlp((6, 9, 4), seed=2, density=0.5, tail="Softmax"), folder / "m.onnx")
    x = np.random.default_rng(0).standard_normal((30, 6)).astype(np.float32)
    np.savez(folder / "d.npz", x=x, y=np.arange(30) % 4)
    return compile_model(CompileOptions(path, data=folder / "d.npz", keep_weights=True, pes=4))


def test_layers_and_totals(artefact: Artefact) -> None:
    manifest = artefact.manifest
    first, second = manifest["layers"]
    weights = {item.name: item for item in mlp((6, 9, 4), seed=2, density=0.5).graph.initializer}
    kept = [int(np.count_nonzero(np.frombuffer(weights[f"fc{i}.weight"].raw_data, "<f4"))) for i in (0, 1)]
    assert [first["kept"], second["kept"]] == kept
    assert (first["rows"], first["columns"], first["weights"]) == (9, 6, 54)
    assert first["dense_cycles"] == 3 * 6  # 9 rows on 4 PEs are 3 a PE
    assert second["dense_cycles"] == 1 * 9
    assert first["dense_bytes"] == (54 + 9) * 4
    total = manifest["totals"]
    assert total["kept"] == sum(kept)
    assert total["bytes"] == len(artefact.files["model.emc"])
    assert total["cycles"]["samples"] == 30
    assert first["cycles"] + second["cycles"] == pytest.approx(total["cycles"]["mean"])
    assert 0 < total["utilisation"] < 1
    assert manifest["design"]["host"] == [{"attrs": {"axis": 1}, "op": "Softmax"}]
    assert manifest["quality"]["labels"]


def test_errors_of_function_tables_are_said(tmp_path: Path, artefact: Artefact) -> None:
    path = save(mlp((6, 9, 5, 4), ["Sigmoid", "Relu", None], seed=2), tmp_path / "m.onnx")
    manifest = compile_model(CompileOptions(path, keep_weights=True)).manifest
    first, *rest = (row["table_error"] for row in manifest["layers"])
    assert 0.5 <= first <= 2.0
    assert rest == [None, None]
    assert f"function tables of 1 of 3 layers: off by at most {first:.2f} units" in "\n".join(notes(manifest))
    assert "function tables" not in "\n".join(notes(artefact.manifest))


def test_every_pe_has_its_codebook(artefact: Artefact) -> None:
    memory = {row["name"]: row for row in artefact.manifest["memory"]}
    assert memory["codebook"]["copies"] == 4
    assert all(row["bits"] == row["copies"] * row["depth"] * row["width"] for row in memory.values())


def test_baseline() -> None:
    assert dense_cycles(100, 784, 64) == 2 * 784
    assert dense_cycles(1, 5, 64) == 5
    assert dense_bytes(2, 3) == 32


def test_files_are_hashed(artefact: Artefact, tmp_path: Path) -> None:
    artefact.write(tmp_path / "out")
    assert changed(tmp_path / "out", artefact.manifest) == []
    (tmp_path / "out" / "rom" / "walk.hex").write_text("0")
    (tmp_path / "out" / "model.emc").unlink()
    assert changed(tmp_path / "out", artefact.manifest) == ["model.emc", "rom/walk.hex"]


def test_names_are_escaped_in_html(artefact: Artefact) -> None:
    manifest = json.loads(json.dumps(artefact.manifest).replace("fc0", "<script>alert(1)</script>"))
    manifest["model"]["file"] = '"><script>.onnx'
    page = html.render(manifest).decode()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_report_stands_alone(artefact: Artefact) -> None:
    page = artefact.files["report.html"].decode()
    assert "http" not in page.replace("http-equiv", "")
    for row in artefact.manifest["layers"]:
        assert f"<td>{row['name']}</td>" in page


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../b", "a\\b", "a//b", "."])
def test_only_plain_names(name: str) -> None:
    with pytest.raises(ValueError, match="plain relative"):
        Artefact({name: b""})


def test_json_is_plain() -> None:
    assert to_json({"b": [1, 2.5, -3], "a": "[1,\n2]"}) == b'{\n "a": "[1,\\n2]",\n "b": [ 1, 2.5, -3 ]\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        to_json({"a": float("nan")})


def test_units() -> None:
    assert [kilo(999), kilo(1234), kilo(1_066_440)] == ["999 B", "1.2 kB", "1.07 MB"]
    assert [seconds(2), seconds(0.0123), seconds(4.66e-6), seconds(5e-9)] == ["2 s", "12.3 ms", "4.66 us", "5 ns"]
    assert percent(0.1234) == "12.34 %"
