"""Lossless coders on the same symbols: Shannon-Fano by hand, sizes as the file has them, symbols that come back."""

import json
import zlib
from pathlib import Path

import models
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import emcc
from emcc.cli import app
from emcc.container import huffman, runs
from emcc.container.matrices import Matrix
from emcc.files.artefact import read_manifest
from emcc.measure import coders, shannon_fano


def test_fanos_own_example() -> None:
    """The textbook's: 15, 7, 6, 6, 5 take 89 bits; Huffman's code 87."""
    counts = np.array([15, 7, 6, 6, 5])
    assert shannon_fano.code_lengths(counts).tolist() == [2, 2, 2, 3, 3]
    assert shannon_fano.coded_bits(counts)[1] == 89
    assert huffman.coded_bits(counts)[1] == 87


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60))
def test_a_whole_prefix_code_and_never_below_huffmans(counts: list[int]) -> None:
    known = np.array(counts, np.int64)
    lengths = shannon_fano.code_lengths(known)
    used = np.count_nonzero(known)
    if used < 2:
        assert not lengths.any()
        return
    assert ((lengths > 0) == (known > 0)).all()
    assert (0.5 ** lengths[lengths > 0]).sum() == 1
    assert shannon_fano.coded_bits(known)[1] >= int((huffman.code_lengths(known, 15) * known).sum())
    share = known[known > 0] / known.sum()
    assert (lengths * known).sum() <= known.sum() * (1 - (share * np.log2(share)).sum() + 1)


def test_codewords_too_long_for_the_table() -> None:
    counts = np.array([3**i for i in range(20)])
    assert shannon_fano.code_lengths(counts).max() == 19
    assert shannon_fano.coded_bits(counts)[0] == 8 * 20


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.02, 0.3, 1.0]), st.booleans())
def test_the_symbols_are_what_was_coded(seed: int, density: float, by_columns: bool) -> None:
    """As often as the file's own plan counts them, and the matrix can be made of them again."""
    rng = np.random.default_rng(seed)
    codes = (rng.integers(1, 16, (7, 90)) * (rng.random((7, 90)) < density)).astype(np.uint8)
    for run_w in (0, 3, 10):
        plan = next((p for p in runs._plans(codes, 4, by_columns) if p.run_w == run_w), None)
        if plan is None:
            continue
        run_bytes, code_bytes = coders.symbols(Matrix(codes, 0, scanned=plan))
        skipped = np.frombuffer(run_bytes, "<u2" if run_w > 8 else "u1").astype(np.int64)
        placed = np.frombuffer(code_bytes, np.uint8)
        np.testing.assert_array_equal(np.bincount(skipped, minlength=1 << run_w), plan.runs)
        np.testing.assert_array_equal(np.bincount(placed, minlength=16), plan.codes)
        flat = np.zeros(codes.size, np.uint8)
        flat[np.cumsum(skipped + 1) - 1] = placed
        np.testing.assert_array_equal(flat, (codes.T if by_columns else codes).reshape(-1))


@pytest.fixture(scope="module", params=["plain", "sixteen"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compressed model, of codebooks or with codes of 16 bits."""
    home = tmp_path_factory.mktemp("coders")
    density = 0.1 if request.param == "plain" else 0.9
    path = models.save(models.mlp((60, 50, 5), seed=1, density=density), home / "m.onnx")
    recipe = home / "recipe.toml"
    recipe.write_text(f"[share]\nkept_bits = {4 if request.param == 'plain' else 16}\n")
    emcc.compress(path, keep_weights=True, recipe=recipe).write(home / "out")
    return home / "out"


def test_the_bytes_of_each(folder: Path) -> None:
    compared, manifest = coders.coders_in(folder), read_manifest(folder)
    assert compared is not None
    for row, known in zip(compared["layers"], manifest["layers"], strict=True):
        assert row["name"] == known["name"]
        assert row["bytes"]["huffman"] == known["coders"]["huffman"]["bytes"]
        assert row["bytes"]["range"] == known["coders"]["range"]["bytes"]
        assert row["bytes"]["huffman"] <= row["bytes"]["shannon-fano"]
    assert {"huffman", "shannon-fano", "zlib", "range"} <= set(compared["totals"])
    assert compared["totals"]["zlib"] == sum(row["bytes"]["zlib"] for row in compared["layers"])


def test_inspect_and_the_python_report_say_them(folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["inspect", str(folder), "--json", str(tmp_path / "facts.json")])
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "facts.json").read_text())["coders"]
    for text in (result.output, emcc.load(folder).report().text):
        assert "Shannon-Fano" in text
        assert f"{facts['totals']['zlib']:,}" in text


def test_a_damaged_file_has_no_such_table(folder: Path, tmp_path: Path) -> None:
    for name in ("emcc.json", "compressed.onnx"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "model.emc").write_bytes(b"no such file")
    result = CliRunner().invoke(app, ["inspect", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "Shannon-Fano" not in result.output
    assert "model.emc" in result.output


def test_zstd_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        @staticmethod
        def compress(data: bytes, level: int) -> bytes:
            return zlib.compress(data, min(level, 9))

    def module(name: str) -> type[Fake]:
        if name != "zstandard":
            raise ImportError(name)
        return Fake

    monkeypatch.setattr(coders.importlib, "import_module", module)
    assert list(coders._squeezers()) == ["zlib", "zstd"]
    assert coders._squeezers()["zstd"](b"a" * 99) == zlib.compress(b"a" * 99, 9)
