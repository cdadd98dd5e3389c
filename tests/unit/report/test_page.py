"""The pages that people look at, in a browser at two widths, and what is on them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import browser as chromium
import numpy as np
import pytest
from browser import Browser
from hypothesis import given
from hypothesis import strategies as st
from models import mlp, save

from emcc.compress.search.goal import Goal
from emcc.driver.compile import compile_model
from emcc.driver.compress import compress_model
from emcc.driver.request import CompileOptions, CompressOptions
from emcc.files.artefact import Artefact
from emcc.files.manifest import problems
from emcc.measure.histograms import BINS, counted
from emcc.report import html, page, plots
from emcc.report.axes import Axis, short, text

RECIPE = "[search]\nepochs = 2\nsettle = 1\ncode_epochs = 1\nshared_epochs = 2\nbatch = 32\nleast_steps = 1\n"
NAMES = {
    "fc0": "<script>throw 1</script>",
    "fc1": "\"onload='x" + 40 * "LongWord",
    "fc2": "{{ 7 * 7 }}\u202e",
    "model.onnx": "<img src=x>.onnx",
}
"""Names that no model has, for the front end refuses them; a page would show them."""

WIDTHS = (400, 1600)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, data and a recipe."""
    folder = tmp_path_factory.mktemp("page")
    save(mlp((16, 24, 9, 5), seed=2), folder / "model.onnx")
    x = np.random.default_rng(0).standard_normal((300, 16)).astype(np.float32)
    np.savez(folder / "data.npz", x=x, y=np.arange(300) % 5)
    (folder / "fast.toml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def searched(folder: Path) -> Artefact:
    pytest.importorskip("torch")
    goal = Goal(target_sparsity=0.8)
    options = CompressOptions(folder / "model.onnx", folder / "data.npz", goal, folder / "fast.toml")
    return compress_model(options)


@pytest.fixture(scope="module")
def kept(folder: Path) -> Artefact:
    return compress_model(CompressOptions(folder / "model.onnx", keep_weights=True))


def renamed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with hostile names in it."""
    given = json.dumps(manifest)
    for name, other in NAMES.items():
        given = given.replace(f'"{name}"', json.dumps(other))
    return dict(json.loads(given))


TRIED = {
    "steps": 1200,
    "methods": "filters+magnitude+kmeans",
    "rows": [
        {
            "methods": "svd+magnitude+kmeans",
            "steps": 40,
            "why": "svd does not apply: " + 9 * "no layer saves weights ",
        },
        {"methods": "magnitude+uniform", "steps": 40, "bytes": 1500, "quality": 91.5, "lost": 0.5},
        {"methods": "filters+magnitude+kmeans", "steps": 600, "bytes": 1234, "quality": 92.25, "lost": -0.25}
        | {"taken": True},
    ],
}
"""What a search for methods adds to a manifest."""


@pytest.fixture(scope="module")
def compiled(folder: Path, searched: Artefact) -> bytes:
    """The report of a compile, with the curve of a search in it."""
    manifest = compile_model(CompileOptions(folder / "model.onnx", keep_weights=True, pes=4)).manifest
    way = {name: searched.manifest[name] for name in ("goal", "search", "curve", "data")}
    return html.render(renamed({**manifest, **way, "audition": TRIED}))


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    if chromium.found() is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with chromium.browser() as started:
        yield started


def test_pages_show_without_a_fault(
    opened: Browser, searched: Artefact, kept: Artefact, compiled: bytes, tmp_path: Path
) -> None:
    named = page.render(renamed(searched.manifest))
    plain = {"searched": searched.files["report.html"], "kept": kept.files["report.html"]}
    chosen = page.render({**searched.manifest, "audition": TRIED})
    pages = {**plain, "compiled": compiled, "named": named, "chosen": chosen}
    for name, content in pages.items():
        (tmp_path / f"{name}.html").write_bytes(content)
        for width in WIDTHS:
            assert (name, width, opened.page(tmp_path / f"{name}.html", width)) == (name, width, [])


POLICY = "Content-Security-Policy"
FAULTS = {
    "script error": "<script>missing()</script>",
    "console": "<script>console.log('x')</script>",
    "log: ": f"<meta http-equiv='{POLICY}' content=\"script-src 'none'\"><script>1</script>",
    "request": "<link rel='stylesheet' href='http://127.0.0.1:9/x.css'>",
    "pixels wide": "<div style='width: 500px; height: 1px'></div>",
    "cut off": "<svg viewBox='0 0 90 30' width='90'><text x='70' y='20'>far too long</text></svg>",
    "smaller than": "<svg viewBox='0 0 900 30' width='90'><text x='70' y='20'>far</text></svg>",
}


def test_each_fault_is_seen(opened: Browser, tmp_path: Path) -> None:
    for fault, body in FAULTS.items():
        path = tmp_path / "bad.html"
        path.write_text(f"<!doctype html><meta charset='utf-8'><title>x</title>{body}")
        assert any(fault in line for line in opened.page(path, 400)), fault


def test_names_are_escaped_and_nothing_is_fetched(searched: Artefact, compiled: bytes) -> None:
    for content in (page.render(renamed(searched.manifest)).decode(), compiled.decode()):
        assert "<script" not in content
        assert "<img" not in content
        assert "&lt;script&gt;throw 1&lt;/script&gt;" in content
        assert "{{ 7 * 7 }}\\u202e" in content
        assert "http" not in content.replace("http-equiv", "")


def test_what_a_search_recorded_is_drawn(searched: Artefact) -> None:
    manifest, content = searched.manifest, searched.files["report.html"].decode()
    assert problems(manifest) == []
    stages = [point["stage"] for point in manifest["curve"]]
    assert stages == ["pruning"] * 2 + ["settling"] + ["moving codes"] + ["training codebooks"] * 2
    steps = [point["steps"] for point in manifest["curve"]]
    assert steps == sorted(steps)
    assert steps[-1] == manifest["search"]["trained_steps"]
    assert manifest["curve"][-1]["kept"] == pytest.approx(manifest["totals"]["kept"] / manifest["totals"]["weights"])
    assert manifest["curve"][-1]["quality"] == pytest.approx(manifest["search"]["quality"])
    assert content.count('aria-label="Sensitivity of') == content.count('aria-label="Weights of') == 3
    assert content.count("<title>pruning, ") == 2 * 2 * 2, "two epochs, in two panels of two plots"
    for row in manifest["layers"]:
        assert f'<td class="c7">{row["bytes"]:,}</td>' in content


def test_what_was_tried_has_a_row_each(searched: Artefact, compiled: bytes) -> None:
    assert problems({**searched.manifest, "audition": TRIED}) == []
    assert "Methods tried" not in searched.files["report.html"].decode()
    for content in (page.render({**searched.manifest, "audition": TRIED}), compiled):
        _, rows = content.decode().split("Methods tried</h2>")
        body = rows.split("<tbody>")[1].split("</tbody>")[0]
        assert body.count("<tr") == len(TRIED["rows"])
        assert body.count('class="taken"') == 1
        assert "<td>1,234</td><td>92.25 %</td><td>-0.25</td><td>taken</td>" in body.split('<tr class="taken">')[1]
        assert "<td></td><td></td><td></td><td>svd does not apply: no layer" in body


def test_what_was_not_measured_is_not_there(kept: Artefact) -> None:
    content = kept.files["report.html"].decode()
    assert "curve" not in kept.manifest
    for words in ("along the search", "Sensitivity", "points lost", "accuracy"):
        assert words not in content
    assert content.count('aria-label="Weights of') == 3


def test_the_same_bytes_again_and_after_an_interruption(folder: Path, searched: Artefact, tmp_path: Path) -> None:
    options = CompressOptions(
        folder / "model.onnx", folder / "data.npz", Goal(target_sparsity=0.8), folder / "fast.toml", tmp_path / "work"
    )
    first = compress_model(options)
    for step in sorted((tmp_path / "work").glob("0*"))[-9:]:
        step.unlink()
    for artefact in (first, compress_model(options)):
        assert artefact.digest == searched.digest


def test_a_page_is_a_function_of_its_manifest(searched: Artefact) -> None:
    assert page.render(json.loads(searched.files["emcc.json"])) == searched.files["report.html"]


def test_counts_of_weights_by_hand() -> None:
    before, after = np.float32([-2.05, 0, 0.01, 0.2, 2.05]), np.float32([-2.05, 0, 0, 0, 2.0])
    row = counted(before, after)
    assert (row["zeros_before"], row["zeros"], row["reach"]) == (1, 3, pytest.approx(2.05))
    assert {i: count for i, count in enumerate(row["before"]) if count} == {0: 1, 20: 1, 22: 1, BINS - 1: 1}
    assert {i: count for i, count in enumerate(row["after"]) if count} == {0: 1, BINS - 1: 1}
    assert counted(np.zeros(4), np.zeros(2))["before"] == [0] * BINS


@given(low=st.floats(1e-3, 1e3), factor=st.floats(1.01, 1e6), log=st.booleans(), most=st.integers(2, 12))
def test_ticks_are_few_round_and_inside(low: float, factor: float, log: bool, most: int) -> None:
    axis = Axis(low, low * factor, 300.0, 10.0, log)
    ticks = axis.ticks(most)
    assert len(ticks) <= most
    places = [place for place, _ in ticks]
    assert places == sorted(places, reverse=True)
    assert all(10 <= place <= 300 for place in places)
    assert axis.at(low) == 300
    assert axis.at(low * factor * 2) == 10


def test_numbers_of_axes() -> None:
    assert [text(value) for value in (0.0, 0.05, 0.125, 1.5, 20.0, 1234.0)] == [
        "0",
        "0.05",
        "0.125",
        "1.5",
        "20",
        "1,234",
    ]
    assert [short(value) for value in (0, 950, 1200, 34_000, 1_200_000)] == ["0", "950", "1.2k", "34k", "1.2M"]
    assert [label for _, label in Axis(0, 88, 0, 1).ticks(4)] == ["0", "50"]
    assert [label for _, label in Axis(0.6, 30, 0, 1, log=True).ticks(6)] == ["1", "2", "5", "10", "20"]


def test_a_quality_that_is_no_number_is_left_out() -> None:
    point = {"stage": "pruning", "steps": 4, "kept": 0.5, "quality": None}
    plot = plots.search_plots([point, {**point, "steps": 8, "quality": 90.0}], {"original": 5.0}, plots.WIDE)
    assert [len(panel["dots"]) for panel in plot["panels"]] == [1, 2]
