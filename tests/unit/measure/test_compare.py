"""`emcc compare`: errors by tensor, what each causes alone, and that a planted fault is found where it is."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import mlp, model, node, random_weight, save
from typer.testing import CliRunner

from emcc import frontend
from emcc.cli import app
from emcc.compress.kmeans import Share
from emcc.container import decode
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import save_program
from emcc.ir.graph import Array, Graph
from emcc.measure.alone import rerun, weights_of
from emcc.measure.compare import compare
from emcc.measure.comparison import Comparison
from emcc.ops.interpret import trace
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise
from emcc.runtime.opened import Opened, open_artefact


def samples(count: int, *shape: int, seed: int = 0) -> Array:
    """Normal float32."""
    return np.random.default_rng(seed).standard_normal((count, *shape)).astype(np.float32)


def artefact(folded: Graph, x: Array, fault: dict[str, int] | None = None) -> Opened:
    """The graph in integers, as an artefact; `fault` takes fraction bits from tensors."""
    calibrated = Calibrate(data=x).apply(Share().kept().apply(folded))
    tensors = dict(calibrated.tensors)
    for name, bits in (fault or {}).items():
        fmt = tensors[name].fmt
        assert fmt is not None
        tensors[name] = replace(tensors[name], fmt=replace(fmt, frac_bits=fmt.frac_bits - bits))
    graph = Quantise().apply(calibrated.with_(tensors=tensors))
    return Opened(Path("nowhere"), {}, lower(graph, LowerOptions(pes=2, trim=False)), graph, array=False)


def folded_mlp(tmp_path: Path, *activations: str | None) -> Graph:
    """A folded 6-9-8-4 network."""
    return Fold().apply(frontend.load(save(mlp((6, 9, 8, 4), activations, seed=2), tmp_path / "m.onnx")))


def by_key(found: Comparison) -> dict[tuple[str, str], Any]:
    """Rows by kind and name."""
    return {(row.kind, row.name): row for row in found.rows}


def rms(values: Array) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def test_errors_are_those_of_float_and_integers(tmp_path: Path) -> None:
    folded, x = folded_mlp(tmp_path, "Relu", "Tanh", None), samples(90, 6)
    opened = artefact(folded, x)
    found = compare(folded, opened, x)
    floats, held = trace(folded, x.astype(np.float64)), opened.held
    source = held.tensors["x"].fmt
    assert source is not None
    fixed = trace(held, source.quantise(x))
    rows = by_key(found)
    assert [name for kind, name in rows if kind == "tensor"] == ["x", "a0", "a1", "z2"]
    assert [name for kind, name in rows if kind == "weights"] == ["fc0", "fc1", "fc2"]
    for name in ("x", "a0", "a1", "z2"):
        fmt, row = held.tensors[name].fmt, rows["tensor", name]
        assert fmt is not None
        error = fmt.dequantise(fixed[name]) - floats[name]
        assert row.error_max == np.abs(error).max()
        assert row.error_rms == pytest.approx(rms(error))
        assert row.relative == pytest.approx(rms(error) / rms(floats[name]))
        assert row.saturated == 0
        assert sum(row.magnitudes) == np.count_nonzero(floats[name])
    assert found.output is rows["tensor", "z2"]
    assert found.first is None
    assert sum(row.share for row in found.rows) == pytest.approx(1)


def test_each_cause_alone(tmp_path: Path) -> None:
    """By hand: y = W2 relu(W1 x + b1) + b2, with one thing replaced."""
    folded = Fold().apply(frontend.load(save(mlp((6, 9, 4), seed=2), tmp_path / "m.onnx")))
    x = samples(70, 6)
    opened = artefact(folded, x, {"x": 9})
    held, wide = opened.held, x.astype(np.float64)
    w1, b1, w2, b2 = (folded.constants[f"fc{i}.{part}"].astype(float) for i in (0, 1) for part in ("weight", "bias"))
    nodes = list(held.layers())
    (v1, c1), (v2, c2) = weights_of(held, nodes[0]), weights_of(held, nodes[1])

    def net(x: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> Array:
        return np.asarray(np.maximum(x @ w1.T + b1, 0) @ w2.T + b2)

    y, fmt = net(wide, w1, b1, w2, b2), held.tensors["x"].fmt
    assert fmt is not None
    rounded = fmt.dequantise(fmt.quantise(wide))
    wanted = {
        ("weights", "fc0"): net(wide, v1, c1, w2, b2) - y,
        ("weights", "fc1"): net(wide, w1, b1, v2, c2) - y,
        ("tensor", "x"): net(rounded, v1, c1, v2, c2) - net(wide, v1, c1, v2, c2),
    }
    rows = by_key(compare(folded, opened, x))
    for key, error in wanted.items():
        assert rows[key].alone == pytest.approx(rms(error) / rms(y), rel=1e-6), key
    total = sum(row.alone**2 for row in rows.values())
    assert rows["tensor", "x"].share == pytest.approx(rows["tensor", "x"].alone ** 2 / total)
    assert rows["tensor", "x"].share > 0.9


@pytest.mark.parametrize("name", ["x", "a0", "a1", "z2"])
def test_a_coarse_tensor_is_found(tmp_path: Path, name: str) -> None:
    folded, x = folded_mlp(tmp_path, "Relu", "LeakyRelu", None), samples(90, 6)
    coarse = {"a1": {"a1": 10, "z1": 10}}.get(name, {name: 10})
    found = compare(folded, artefact(folded, x, coarse), x, 0.01)
    assert found.first is not None
    assert found.first.name == name
    assert max(found.rows, key=lambda row: row.share).name == name


def test_saturation_is_in_the_row(tmp_path: Path) -> None:
    folded, x = folded_mlp(tmp_path, "Relu", "Relu", None), samples(90, 6)
    found = compare(folded, artefact(folded, x, {"a0": -4, "z0": -4}), x, 0.05)
    rows = by_key(found)
    assert rows["tensor", "a0"].saturated > 0.02
    assert rows["tensor", "x"].saturated == 0
    assert found.first is not None
    assert found.first.name == "a0"


def test_weights_in_floats(tmp_path: Path) -> None:
    folded = folded_mlp(tmp_path, "Relu", "Relu", None)
    opened = artefact(folded, samples(50, 6))
    for own, node_ in zip(folded.layers(), opened.held.layers(), strict=True):
        weight, bias = weights_of(opened.held, node_)
        assert np.abs(weight - folded.constants[own.inputs[1]]).max() < 2e-4
        assert np.abs(bias - folded.constants[own.inputs[2]]).max() < 2e-4
        ones = {"m": np.full(len(bias), 2)}
        inputs = (*node_.inputs[:4], "m")
        twice = opened.held.with_(constants={**opened.held.constants, **ones})
        doubled, shifted = weights_of(twice, replace(node_, inputs=inputs))
        assert np.array_equal(doubled, 2 * weight)
        assert np.array_equal(shifted, 2 * bias)


def test_rerun_of_nothing_changed(tmp_path: Path) -> None:
    folded, x = folded_mlp(tmp_path, "Relu", "Relu", None), samples(20, 6)
    values = trace(folded, x.astype(np.float64))
    for name in values:
        again = rerun(folded, values, {name: values[name]}, {})
        assert np.array_equal(again[folded.outputs[0]], values[folded.outputs[0]])
    assert rerun(folded, values, {}, {})[folded.outputs[0]] is values[folded.outputs[0]]


def test_branches_and_convolutions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = {"k1": (6, 1, 3, 3), "k2": (4, 6, 1, 1), "k3": (4, 3, 3, 3), "w": (3, 128)}
    weights = {name: rng.standard_normal(shape).astype(np.float32) / 2 for name, shape in shapes.items()}
    nodes = [
        node("Conv", ["x", "k1"], "c1", "conv1", pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], "r1"),
        node("Conv", ["r1", "k2"], "c2", "conv2"),
        node("Conv", ["r1", "k3"], "c3", "conv3", group=2, auto_pad="SAME_UPPER"),
        node("Concat", ["c2", "c3"], "j", axis=1),
        node("MaxPool", ["j"], "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["p"], "f"),
        node("Gemm", ["f", "w"], "y", "fc", transB=1),
    ]
    folded = Fold().apply(frontend.load(save(model(nodes, ["n", 1, 8, 8], weights=weights), tmp_path / "m.onnx")))
    x = samples(40, 1, 8, 8)
    found = compare(folded, artefact(folded, x), x)
    rows = by_key(found)
    assert {name for kind, name in rows if kind == "weights"} == {"conv1", "conv2", "conv3", "fc"}
    assert {"x", "r1", "c2", "c3", "j", "p", "y"} <= {name for kind, name in rows if kind == "tensor"}
    assert found.first is None
    assert found.output.relative < 0.01
    assert all(rows["tensor", name].alone == 0 for name in ("j", "p")), "nothing is rounded where values are selected"
    assert all(rows["tensor", name].alone > 0 for name in ("x", "r1", "c2", "c3", "y"))
    assert sum(row.share for row in found.rows) == pytest.approx(1)
    coarse = compare(folded, artefact(folded, x, {"r1": 10, "c1": 10}), x)
    assert coarse.first is not None
    assert coarse.first.name == "r1"
    assert max(coarse.rows, key=lambda row: row.share).name == "r1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: model.onnx, data.npz, and "out" with all weights kept."""
    monkeypatch.chdir(tmp_path)
    save(mlp((6, 9, 4), seed=2, tail="Softmax"), tmp_path / "model.onnx")
    np.savez("data.npz", x=samples(80, 6))
    run("compile", "model.onnx", "--data", "data.npz", "--keep-weights", "--out", "out", "--quiet")
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    """What a command prints, having ended with `code`."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


COMPARE = ("compare", "out", "--model", "model.onnx", "--data", "data.npz")


def contents(folder: Path) -> dict[str, bytes]:
    """Names and bytes of all files."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command(folder: Path) -> None:
    before = contents(folder / "out")
    shown = run(*COMPARE, "--json", "a.json")
    assert "no tensor is more than 5 % (RMS) from its float value" in shown
    assert "plot: out_compare.html" in shown
    assert contents(folder / "out") == before
    page, told = (folder / "out_compare.html").read_bytes(), (folder / "a.json").read_bytes()
    assert run(*COMPARE, "--json", "a.json", "--out", "page.html", "--quiet") == ""
    assert (folder / "page.html").read_bytes() == page
    assert (folder / "a.json").read_bytes() == told
    rows = json.loads(told)["rows"]
    assert [(row["kind"], row["name"]) for row in rows] == [
        ("tensor", "x"), ("weights", "fc0"), ("tensor", "a0"), ("weights", "fc1"), ("tensor", "z1"),
    ]  # fmt: skip
    assert rows[0]["fmt"]["width"] == 16


def test_pruned_artefacts_part_at_the_first_layer(folder: Path) -> None:
    (folder / "hard.toml").write_text("[prune]\nsparsity = 0.8\n")
    run("compile", "model.onnx", "--out", "out", "--recipe", "hard.toml", "--quiet")
    assert "first to part: a0, " in run(*COMPARE, "--json", "a.json")
    told = json.loads((folder / "a.json").read_text())
    assert told["first"] == "a0"
    assert sum(row["share"] for row in told["rows"] if row["kind"] == "weights") > 0.99
    assert "no tensor is more than 10000 %" in run(*COMPARE, "--threshold", "100")


def test_folders_of_compress(folder: Path) -> None:
    run("compress", "model.onnx", "--keep-weights", "--out", "small", "--quiet")
    run("compare", "small", "--model", "model.onnx", "--data", "data.npz", "--json", "a.json", "--count", "10")
    told = json.loads((folder / "a.json").read_text())
    assert told["samples"] == 10
    assert all(row["relative"] < 0.01 for row in told["rows"])


def test_floats_of_a_convolutional_model(folder: Path) -> None:
    weights = {"k": random_weight(np.random.default_rng(3), 2, 9).reshape(2, 1, 3, 3)}
    nodes = [node("Conv", ["x", "k"], "c", "conv", pads=[1, 1, 1, 1]), node("Relu", ["c"], "y")]
    save(model(nodes, ["n", 1, 4, 4], weights=weights), folder / "conv.onnx")
    np.savez("image.npz", x=samples(20, 1, 4, 4))
    run("compress", "conv.onnx", "--keep-weights", "--out", "small", "--quiet")
    run("compare", "small", "--model", "conv.onnx", "--data", "image.npz", "--json", "a.json")
    rows = json.loads((folder / "a.json").read_text())["rows"]
    assert [(row["kind"], row["name"]) for row in rows] == [
        ("tensor", "x"), ("weights", "conv"), ("tensor", "c"), ("tensor", "y"),
    ]  # fmt: skip
    assert all(row["saturated"] is None and row["fmt"] is None for row in rows)
    assert rows[1]["share"] == 1


def test_another_model_is_refused(folder: Path) -> None:
    save(mlp((6, 9, 4), seed=3, tail="Softmax"), folder / "model.onnx")
    assert "model.onnx: is not the model of out, which was made of 'model.onnx'" in run(*COMPARE, code=2)
    assert not (folder / "out_compare.html").exists()


def test_files_of_two_artefacts_are_refused(folder: Path) -> None:
    program = lower(decode((folder / "out" / "model.emc").read_bytes()), LowerOptions(pes=8))
    books = tuple(-book for book in program.codebooks)
    (folder / "out" / "program.npz").write_bytes(save_program(replace(program, codebooks=books)))
    assert open_artefact(folder / "out").program is not None
    assert "model.emc and program.npz are not of one model" in run(*COMPARE, code=2)
