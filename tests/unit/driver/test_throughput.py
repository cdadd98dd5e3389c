"""Compiling for inputs that come while the inference before runs: what is emitted and said."""

import io
from pathlib import Path

import numpy as np
import pytest
from models import mlp, save
from rich.console import Console
from small_convs import small_conv

from emcc.base.errors import EmccError
from emcc.driver.compile import compile_model
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompileOptions
from emcc.files.artefact import Artefact
from emcc.report.lines import notes
from emcc.report.summary import print_summary

AHEAD = "[lower]\nnext_input = true\n"


def compiled(folder: Path, recipe: str = "") -> Artefact:
    """A small chain."""
    path = folder / "m.onnx"
    if not path.exists():
        save(mlp([60, 40, 30, 20, 4], ["Relu", "Relu", "Relu", None], 3, density=0.3), path)
    return compile_model(CompileOptions(path, recipe=write(folder, recipe), keep_weights=True, pes=4))


def write(folder: Path, recipe: str) -> Path | None:
    """The recipe's file."""
    (folder / "recipe.toml").write_text(recipe)
    return folder / "recipe.toml" if recipe else None


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Artefact, Artefact]:
    """Without and with."""
    folder = tmp_path_factory.mktemp("ahead")
    return compiled(folder), compiled(folder, AHEAD)


def test_throughput_is_in_the_manifest(pair: tuple[Artefact, Artefact]) -> None:
    plain, ahead = (one.manifest["totals"] for one in pair)
    assert "throughput" not in plain
    assert plain["cycles"] == ahead["cycles"]
    assert plain["transfer_cycles"] == ahead["transfer_cycles"]
    told = ahead["throughput"]
    assert ahead["cycles"]["mean"] < told["cycles"] < 1e8 * plain["seconds"]
    assert told["per_second"] == pytest.approx(1e8 / told["cycles"], rel=1e-4)
    assert told["seconds"] == pytest.approx(told["cycles"] / 1e8, rel=1e-4)
    assert told["exact"] == (told["exposed_cycles"] == 0)
    lower = [one.manifest["options"]["passes"]["lower"] for one in pair]
    assert "next_input" not in lower[0]
    assert lower[1]["next_input"] is True


def test_throughput_is_said_beside_latency(pair: tuple[Artefact, Artefact]) -> None:
    for one, said in zip(
        pair, ("one behind the other\n", "the next input is received while this one runs"), strict=True
    ):
        out = io.StringIO()
        print_summary(one.manifest, "out", Console(file=out, width=4000))
        (line,) = [line for line in out.getvalue().splitlines(keepends=True) if line.startswith("throughput: ")]
        assert said in line
    assert not any("throughput" in line for line in notes(pair[0].manifest))
    assert any("throughput" in line for line in notes(pair[1].manifest))


def test_what_is_emitted_has_it(pair: tuple[Artefact, Artefact]) -> None:
    changed = {
        name for name, content in pair[1].files.items() if name.endswith(".sv") and pair[0].files[name] != content
    }
    names = (
        "cfg_pkg",
        "host",
        "core",
        "sum",
        "requant",
        "walk",
        "axi_top",
        "axi_run",
        "uart_top",
        "regs_pkg",
        "link_pkg",
    )
    assert changed <= {f"rtl/emcc_{name}.sv" for name in names}
    assert {f"rtl/emcc_{name}.sv" for name in names[:9]} <= changed
    assert not any(b"EMCC_NEXT_INPUT" in content for one in pair for content in one.files.values())


def test_a_host_part_is_one_clear_error(tmp_path: Path) -> None:
    path = save(small_conv(hosted=True), tmp_path / "m.onnx")
    options = CompileOptions(path, recipe=write(tmp_path, AHEAD), keep_weights=True, pes=4)
    with pytest.raises(EmccError, match="cannot come while this one runs: the host has a part in its middle") as caught:
        compile_model(options)
    assert "leave next_input out of the recipe" in str(caught.value.hint)
    assert Recipe.parse(AHEAD).effective()["lower"]["next_input"] is True


def test_the_vectors_of_the_bench_are_for_inferences_alone(pair: tuple[Artefact, Artefact]) -> None:
    """An artefact's own bench gives one inference after the other: it is the same with both."""
    vectors = [np.frombuffer(one.files["tb/test_emcc.py"], np.uint8) for one in pair]
    np.testing.assert_array_equal(*vectors)
