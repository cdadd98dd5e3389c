"""--method: methods by name, joined by +, from the command line to what the array runs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import mlp, model, node, random_weight, save
from typer.testing import CliRunner

from emcc.base.errors import EmccError
from emcc.cli import app
from emcc.compress.method import combined
from emcc.container import decode
from emcc.driver.compare import compare_model
from emcc.eie import reference
from emcc.eie.store import load_program
from emcc.ops.interpret import floats, integers, run

FAST = (
    "[filters]\nepochs = 1\n[search]\nepochs = 2\nsettle = 1\ncode_epochs = 1\nshared_epochs = 2\nbatch = 32\n"
    "least_steps = 1\n"
)


def convolutions():
    """Two convolutions with a residual sum and a pool, and two Gemms."""
    rng = np.random.default_rng(5)
    weights = {
        "k0": random_weight(rng, 8, 9).reshape(8, 1, 3, 3),
        "k1": random_weight(rng, 8, 72).reshape(8, 8, 3, 3),
        "w0": random_weight(rng, 12, 128),
        "w1": random_weight(rng, 3, 12),
    }
    nodes = [
        node("Conv", ["x", "k0"], "a", "conv0", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], "b", "act0"),
        node("Conv", ["b", "k1"], "c", "conv1", pads=[1, 1, 1, 1]),
        node("Add", ["b", "c"], "d", "sum"),
        node("MaxPool", ["d"], "e", "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["e"], "f", "flat"),
        node("Gemm", ["f", "w0"], "g", "fc0", transB=1),
        node("Relu", ["g"], "h", "act1"),
        node("Gemm", ["h", "w1"], "y", "fc1", transB=1),
    ]
    return model(nodes, ["n", 1, 8, 8], ["n", 3], weights, name="convolutions")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("combined")
    save(convolutions(), where / "m.onnx")
    save(mlp([6, 4], seed=0), where / "one.onnx")
    x = np.random.default_rng(0).standard_normal((300, 1, 8, 8)).astype(np.float32)
    side = (x[:, 0, :, :4].sum(axis=(1, 2)) > 0).astype(np.int64)
    np.savez(where / "data.npz", x=x, y=side + (x[:, 0, 4:].mean(axis=(1, 2)) > 0))
    np.savez(where / "rows.npz", x=x[:, 0, 0, :6])
    (where / "fast.toml").write_text(FAST)
    (where / "fixed.toml").write_text(
        FAST + "[finetune]\nepochs = 2\nshared_epochs = 1\nbatch = 32\n[prune]\nsparsity = 0.6\n"
    )
    return where


def call(folder: Path, *words: str, out: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, [*words, "--out", str(folder / out)], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return json.loads((folder / out / "emcc.json").read_text()) if code == 0 else result.output


def test_what_comes_out_runs_on_the_array_and_takes_fewer_cycles(folder: Path) -> None:
    pytest.importorskip("torch")
    files = (str(folder / "m.onnx"), "--data", str(folder / "data.npz"))
    dense = call(folder, "compile", *files, "--keep-weights", out="dense")
    recipe = ("--recipe", str(folder / "fixed.toml"))
    small = call(folder, "compile", *files, *recipe, "--method", "filters+magnitude+kmeans", out="small")
    left = {row["name"]: row["shape"][0] for row in small["compression"]["layers"]}
    assert left["conv0"] == left["conv1"]
    assert (left["conv0"] + left["fc0"], left["fc1"]) == ((8 + 12) // 2, 3)
    assert small["totals"]["cycles"]["mean"] < dense["totals"]["cycles"]["mean"] * 0.7
    names = [step["name"] for step in small["passes"]]
    assert names[names.index("filters") :][:4] == ["filters", "prune", "share", "finetune"]
    assert small["options"]["passes"]["compress"]["methods"] == "filters+magnitude+kmeans"
    assert small["compression"]["totals"]["parameters"] == dense["compression"]["totals"]["parameters"]
    held = decode((folder / "small" / "model.emc").read_bytes())
    program = load_program(folder / "small" / "program.npz")
    x = integers(held, np.load(folder / "data.npz")["x"][:50]).reshape(50, -1)
    meant = run(held, x).reshape(50, -1)
    assert np.count_nonzero(reference.run(program, x) != meant) == 0
    assert np.ptp(floats(held, meant)) > 0
    compared = compare_model(folder / "small", folder / "m.onnx", folder / "data.npz", 20, 0.5)
    assert [row.name for row in compared.rows] == ["x", "y"]


@pytest.mark.parametrize("method", ["filters+magnitude+kmeans", "filters+kmeans"])
def test_a_goal(folder: Path, method: str) -> None:
    pytest.importorskip("torch")
    files = (str(folder / "m.onnx"), "--data", str(folder / "data.npz"), "--recipe", str(folder / "fast.toml"))
    found = call(folder, "compress", *files, "--method", method, "--max-drop", "60", out=method)
    kept = {row["layer"]: (row["channels"], row["before"]) for row in found["search"]["channels"]}
    assert kept["conv0"][0] == kept["conv1"][0] < 8
    assert sum(now for now, _ in kept.values()) - kept["conv1"][0] == 10 + 3
    assert kept["fc1"] == (3, 3)
    whole = sum(row["weights"] for row in found["layers"]) == found["totals"]["kept"]
    assert whole == ("magnitude" not in method)


def test_filters_that_do_not_apply_are_refused_before_training(folder: Path) -> None:
    files = (str(folder / "one.onnx"), "--data", str(folder / "rows.npz"))
    for command in ("compress", "compile"):
        said = call(folder, command, *files, "--method", "filters+magnitude+kmeans", out="none", code=2)
        assert "no layer whose channels may go" in said
        assert "is an output" in said
        assert not (folder / "none").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compress", "--method", "magnitude+sausage", "--max-drop", "1"), "no method 'sausage'"),
        (("compress", "--method", "filters+magnitude", "--max-drop", "1"), "a method that shares weights"),
        (("compress", "--method", "kmeans", "--target-sparsity", "0.5"), "a method that chooses zeros"),
        (("compile", "--method", "filters+kmeans", "--keep-weights"), "takes weights out"),
    ],
)
def test_what_does_not_go_together(folder: Path, words: tuple[str, ...], message: str) -> None:
    command, *options = words
    files = (str(folder / "m.onnx"), "--data", str(folder / "data.npz"))
    assert message in call(folder, command, *files, *options, out="none", code=2)


def test_names() -> None:
    assert combined("filters + magnitude+kmeans") == {"shrink": "filters", "prune": "prune", "share": "share"}
    assert combined("prune+share") == combined("magnitude+kmeans")
    with pytest.raises(EmccError, match="do the same"):
        combined("prune+magnitude")
