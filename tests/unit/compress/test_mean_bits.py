"""Bits a layer by its error: the least that brute force finds, never more bits than asked, said where one looks."""

from collections.abc import Mapping
from itertools import accumulate, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import folded
from hypothesis import example, given
from hypothesis import strategies as st
from small_problem import invoked, manifest_of
from typer.testing import CliRunner

from emcc.base.errors import EmccError
from emcc.cli import app
from emcc.compress.finetune import Through
from emcc.compress.magnitude import Prune
from emcc.compress.quantisers.allocation import NEARLY, Curve, allocated, priced
from emcc.compress.quantisers.uniform import WIDTHS, Uniform
from emcc.driver.plan import fixed
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompressOptions
from emcc.ir.graph import Graph
from emcc.ops.interpret import run
from emcc.samples.dataset import Dataset
from emcc.samples.split import split


def curves_of(seed: int) -> dict[str, Curve]:
    """Of one to four layers of very different sizes, whose errors fall as a rule."""
    rng = np.random.default_rng(seed)
    found = {}
    for name in "abcd"[: rng.integers(1, 5)]:
        widths = sorted(rng.choice(WIDTHS, rng.integers(1, 6), replace=False).tolist())
        errors = 10.0 ** rng.uniform(-1, 1) * rng.choice([0.25, 0.6]) ** np.array(widths) * rng.uniform(0.5, 1.5)
        errors = errors * rng.choice([1.0, rng.uniform(0.3, 1.7)], len(widths))
        found[name] = Curve(int(10 ** rng.uniform(0, 3)) - 1, dict(zip(widths, errors.tolist(), strict=True)))
    return found


some_curves = st.builds(curves_of, st.integers(0, 2**32))
TOO_LARGE = {"a": Curve(10, {2: 100.0, 4: 30.0, 5: 20.0})}
"""Of which the second step alone would fit where the first does not."""


def spent(curves: Mapping[str, Curve], bits: Mapping[str, int]) -> int:
    return sum(curve.weights * bits[name] for name, curve in curves.items())


def error(curves: Mapping[str, Curve], bits: Mapping[str, int]) -> float:
    return sum(curve.errors[bits[name]] for name, curve in curves.items())


def brute(curves: Mapping[str, Curve], room: float) -> float:
    """The least error of all choices that fit."""
    choices = (dict(zip(curves, bits, strict=True)) for bits in product(*(curve.errors for curve in curves.values())))
    return min(error(curves, bits) for bits in choices if spent(curves, bits) <= room)


@example(TOO_LARGE, 1 / 3)
@given(some_curves, st.floats(0, 1))
def test_the_least_error_in_the_room(curves: Mapping[str, Curve], share: float) -> None:
    least, most = (sum(curve.weights * side(curve.errors) for curve in curves.values()) for side in (min, max))
    room = least + share * (most - least)
    best = brute(curves, room)
    chosen, quick = allocated(curves, room), allocated(curves, room, nodes=0)
    assert spent(curves, chosen) <= room
    assert best <= error(curves, chosen) <= best / (1 - NEARLY) + 1e-9
    assert quick == priced(curves, room)
    assert spent(curves, quick) <= room
    assert error(curves, chosen) <= error(curves, quick)


@given(some_curves)
def test_a_price_is_the_best_wherever_its_steps_fill_the_room(curves: Mapping[str, Curve]) -> None:
    """Everett 1963; and in between it is above the best by no more than the next step's slope times what is left."""
    steps = sorted((step for curve in curves.items() for step in _steps(*curve)), reverse=True)
    least = sum(curve.weights * min(curve.errors) for curve in curves.values())
    for room, (slope, needed) in zip(accumulate([needed for _, needed in steps], initial=least), steps, strict=False):
        assert error(curves, priced(curves, room)) <= brute(curves, room) + 1e-9
        between = room + needed / 2
        assert error(curves, priced(curves, between)) <= brute(curves, between) + slope * needed / 2 + 1e-9


def _steps(_name: str, curve: Curve) -> list[tuple[float, int]]:
    return [(gain, curve.rate(now, more)) for gain, now, more in curve.steps() if curve.weights]


def bits_of(graph: Graph, method: Uniform) -> dict[str, int]:
    return dict(method.settled(graph).layers)


@pytest.mark.parametrize("data", [True, False])
def test_what_a_layer_does_alone_decides(data: bool) -> None:
    """On samples by the outputs, without by the weights; after pruning of what is left."""
    graph = Prune(0.4).apply(folded([12, 20, 16, 5], seed=4))
    x = np.random.default_rng(0).standard_normal((50, 12)).astype(np.float32)
    method = Uniform(scale="row", mean_bits=4.5, data=x if data else None)
    settled = method.settled(graph)
    rows = method.notes.facts["bits"]["layers"]
    assert {row["layer"]: row["bits"] for row in rows} == settled.layers == bits_of(graph, method)
    curves = {}
    for row in rows:
        weights = graph.constants[f"{row['layer']}.weight"]
        assert row["weights"] == np.count_nonzero(weights)
        curves[row["layer"]] = Curve(row["weights"], {int(bits): found for bits, found in row["errors"].items()})
        for bits in (2, 5):
            plain = Uniform(scale="row", bits=bits, layers={name: 8 for name in settled.layers if name != row["layer"]})
            levels = plain.apply(graph).constants[f"{row['layer']}.weight"]
            one = graph.with_constants({f"{row['layer']}.weight": levels})
            y, other = (run(each, x.astype(np.float64)) for each in (graph, one))
            by_weights = np.square(levels - weights).sum() / np.square(weights).sum()
            by_outputs = (np.square(other - y) / y.var(axis=0)).mean()
            np.testing.assert_allclose(row["errors"][str(bits)], by_outputs if data else by_weights, rtol=1e-4)
    room = 4.5 * sum(curve.weights for curve in curves.values())
    assert spent(curves, settled.layers) <= room
    assert error(curves, settled.layers) <= brute(curves, room) / (1 - NEARLY)
    assert len(set(settled.layers.values())) > 1
    same = Uniform(scale="row", layers=settled.layers).apply(graph)
    for name, array in method.apply(graph).constants.items():
        assert array.tobytes() == same.constants[name].tobytes()


def test_layers_that_are_named_stay_and_are_not_of_the_mean() -> None:
    graph = folded([12, 20, 16, 5], seed=4)
    bits = bits_of(graph, Uniform(mean_bits=3.0, layers={"fc0": 8}))
    assert bits["fc0"] == 8
    assert 320 * bits["fc1"] + 80 * bits["fc2"] <= 3 * 400
    assert set(bits_of(graph, Uniform(mean_bits=8.0)).values()) == {WIDTHS[-1]}
    assert set(bits_of(graph, Uniform(mean_bits=2.0)).values()) == {WIDTHS[0]}


@pytest.mark.parametrize(
    ("method", "words", "details"),
    [
        (Uniform(mean_bits=1.5), "mean_bits is 1.5", ["'fc0': 240 weights", "'fc1': 80 weights"]),
        (Uniform(mean_bits=1.5, layers={"fc0": 8}), "2 bits at least", ["'fc1': 80 weights"]),
        (Uniform(mean_bits=4.0, layers={"fc0": 8, "fc1": 2}), "names every layer", []),
    ],
)
def test_what_cannot_be(method: Uniform, words: str, details: list[str]) -> None:
    with pytest.raises(EmccError, match=words) as raised:
        method.apply(folded([12, 20, 4]))
    assert list(raised.value.details) == details


MIXED = '[compress]\ncodebooks = "uniform"\n[uniform]\nmean_bits = {}\n[prune]\nsparsity = 0.5\n'


@pytest.mark.parametrize(
    ("command", "option"), [("compile", "--fixed"), ("compress", "--fixed"), ("compress", "--keep-weights")]
)
def test_the_fixed_schedule_says_what_it_chose(command: str, option: str, tmp_path: Path) -> None:
    manifest = manifest_of(
        tmp_path, command, MIXED.format(3.5), option, *(["--pes", "2"] if command == "compile" else [])
    )
    found: Any = manifest["bits"]
    assert (found["asked"], found["by"]) == (3.5, "outputs")
    size = sum(row["weights"] for row in found["layers"])
    assert size == (240 if option == "--keep-weights" else 120)
    assert sum(row["bits"] * row["weights"] for row in found["layers"]) <= 3.5 * size
    assert manifest["options"]["passes"]["uniform"]["mean_bits"] == 3.5
    table = manifest["layers"] if command == "compress" else manifest["compression"]["layers"]
    for row, chosen in zip(table, found["layers"], strict=True):
        assert row["name"] == chosen["layer"]
        assert row["entries"] <= 2 ** chosen["bits"] - 2
    said = ", ".join(f"{row['layer']} {row['bits']}" for row in found["layers"])
    shown = CliRunner().invoke(app, ["inspect", str(tmp_path / "out")])
    page = (tmp_path / "out" / "report.html").read_text()
    for text in (" ".join(shown.output.split()), page):
        assert f"bits by the error of outputs on samples: {said}; mean " in text


def test_errors_are_measured_on_what_does_not_train() -> None:
    graph, x = folded([12, 20, 4]), np.random.default_rng(0).standard_normal((30, 12)).astype(np.float32)
    data, recipe = Dataset(x, None), Recipe.parse(MIXED.format(3.5))
    sides = split(data, 0.3, 0)
    options = CompressOptions(Path("m.onnx"), Path("d.npz"), fixed=True)
    passes, _ = fixed(recipe, data, graph, options, sides, lambda event: None, None, None)
    (through,) = (step for step in passes if isinstance(step, Through))
    assert isinstance(through.codebooks, Uniform)
    np.testing.assert_array_equal(through.codebooks.data, x[sides.held])


@pytest.mark.parametrize(
    ("mean", "options", "words"),
    [
        ("3.5", ("--max-drop", "2"), "mean_bits is for the fixed schedule"),
        ("1.5", ("--fixed",), "has 2 bits at least"),
        ("9", ("--fixed",), "mean_bits is 9, not a number|mean_bits is 9"),
    ],
)
@pytest.mark.parametrize("command", ["compile", "compress"])
def test_nothing_is_ignored_in_silence(
    command: str, mean: str, options: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    result = invoked(tmp_path, command, MIXED.format(mean), *options)
    assert result.exit_code == 2, result.output
    assert any(word in " ".join(result.output.split()) for word in words.split("|"))
    assert not (tmp_path / "out").exists()
