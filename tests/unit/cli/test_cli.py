"""The command line: what it prints, writes and answers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import ended
from commands import printed as run
from models import mlp, model, node, save
from typer.testing import CliRunner

from emcc import __version__
from emcc.cli import app

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: model.onnx, and data.npz with labels."""
    save(mlp((6, 9, 4), seed=2, density=0.6), tmp_path / "model.onnx")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 6)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=rng.integers(0, 4, 40))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """Names and bytes of all files."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("start", [["-m", "emcc"], ["-c", "from emcc.cli import main; main()"]])
def test_version(start: list[str]) -> None:
    done = subprocess.run([sys.executable, *start, "--version"], capture_output=True, text=True, env=ENVIRONMENT)
    assert (done.returncode, done.stdout) == (0, f"emcc {__version__}\n")


def test_help_is_instant_and_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom emcc.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'onnx', 'torch', 'onnxruntime', 'numba', 'scipy', 'jinja2', 'networkx'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}, {len(sys.modules)} modules' if heavy or len(sys.modules) > 450 else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    assert "compile" in done.stdout
    assert "simulate" in done.stdout


def test_wrong_usage_is_2() -> None:
    assert CliRunner().invoke(app, ["compile"]).exit_code == 2
    assert CliRunner().invoke(app, ["compile", "m.onnx", "--pes", "0"]).exit_code == 2
    assert CliRunner().invoke(app, ["nonsense"]).exit_code == 2


def test_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emcc.driver.recipe.default_text", lambda: 1 / 0)
    result = CliRunner().invoke(app, ["recipe"])
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError)


def test_recipe_is_a_recipe(folder: Path) -> None:
    (folder / "r.toml").write_text(run("recipe"))
    run("compile", "model.onnx", "--recipe", "r.toml", "--out", "a", "--keep-weights", "--quiet")
    run("compile", "model.onnx", "--out", "b", "--keep-weights", "--quiet")
    ours, theirs = contents(folder / "a"), contents(folder / "b")
    differ = {name for name in ours if ours[name] != theirs[name]}
    assert differ <= {"emcc.json", "report.html"}


def test_compile_writes_the_artefact(folder: Path) -> None:
    shown = run("compile", "model.onnx", "--pes", "4", "--keep-weights")
    assert "estimate" in shown
    files = contents(folder / "model_eie")
    assert {"emcc.json", "model.emc", "program.npz", "report.html", "rtl/emcc_top.sv", "rom/walk.hex"} <= set(files)
    manifest = json.loads(files["emcc.json"])
    assert manifest["design"]["pes"] == 4
    assert set(manifest["files"]) == set(files) - {"emcc.json"}
    assert manifest["totals"]["bytes"] == len(files["model.emc"])
    assert any("formats are for inputs in an assumed range" in warning for warning in manifest["warnings"])
    assert str(folder) not in files["emcc.json"].decode()


def test_same_input_same_bytes(folder: Path, tmp_path: Path) -> None:
    """In another process with other hashes."""
    run("compile", "model.onnx", "--data", "data.npz", "--steps", "60", "--out", "a", "--quiet")
    script = "from emcc.cli import main; main()"
    deeper = tmp_path / "deeper"
    deeper.mkdir()
    arguments = ["compile", "../model.onnx", "--data", "../data.npz", "--steps", "60", "--out", "b", "--quiet"]
    environment = {**ENVIRONMENT, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, cwd=deeper, env=environment)
    assert contents(folder / "a") == contents(deeper / "b")


def test_quiet_prints_nothing(folder: Path) -> None:
    result = CliRunner().invoke(app, ["compile", "model.onnx", "--quiet"])
    assert (result.exit_code, result.output) == (0, "")


def test_an_artefact_is_replaced(folder: Path) -> None:
    run("compile", "model.onnx", "--out", "out", "--pes", "8", "--quiet")
    (folder / "out" / "rom" / "mine.hex").write_text("0")
    run("compile", "model.onnx", "--out", "out", "--pes", "2", "--quiet")
    names = contents(folder / "out")
    assert names["rom/mine.hex"] == b"0"
    assert "rom/pe007_ptr.hex" not in names
    assert sorted(os.listdir(folder)) == ["data.npz", "model.onnx", "out"]


def test_a_foreign_file_in_the_way_is_said_before_the_work(folder: Path) -> None:
    run("compress", "model.onnx", "--keep-weights", "--out", "out", "--quiet")
    (folder / "out" / "program.npz").write_text("mine")
    before = contents(folder)
    done = CliRunner().invoke(app, ["compile", "no.onnx", "--out", "out"])
    assert done.exit_code == 2
    assert done.stderr.startswith("emcc: error: out/program.npz: was not written by emcc")
    assert contents(folder) == before


@pytest.mark.parametrize("form", ["hex", "mem", "mif", "coe", "bin"])
def test_rom(form: str, folder: Path) -> None:
    run("compile", "model.onnx", "--out", "out", "--pes", "2", "--quiet")
    run("rom", "out", "--format", form)
    names = set(contents(folder / f"out_rom_{form}"))
    memories = json.loads((folder / f"out_rom_{form}" / "memories.json").read_text())["memories"]
    assert {f"{name}.{form}" for name in memories} == names - {"memories.json"}
    if form == "hex":
        emitted = contents(folder / "out" / "rom")
        emitted.pop("link.hex")  # The link's memory, which also holds frames, and is no part of the accelerator.
        assert contents(folder / "out_rom_hex").items() >= emitted.items()


def test_a_boot_image_is_of_a_design_that_takes_one(folder: Path) -> None:
    run("compile", "model.onnx", "--out", "out", "--pes", "2", "--quiet")
    done = CliRunner().invoke(app, ["rom", "out", "--format", "flash"])
    assert (done.exit_code, "out: no design that is booted from an image" in done.stderr) == (2, True)
    assert sorted(os.listdir(folder)) == ["data.npz", "model.onnx", "out"]


def test_rom_again_keeps_what_it_did_not_write(folder: Path) -> None:
    run("compile", "model.onnx", "--out", "out", "--pes", "4", "--quiet")
    run("rom", "out", "--format", "mem", "--out", "images")
    (folder / "images" / "notes.txt").write_text("mine")
    run("compile", "model.onnx", "--out", "out", "--pes", "2", "--quiet")
    run("rom", "out", "--format", "mif", "--out", "images")
    names = set(contents(folder / "images"))
    assert {"notes.txt", "pe001_ptr.mif"} <= names
    assert not any(name.endswith(".mem") or name.startswith("pe003") for name in names)


def test_a_classifier_of_one_output_is_judged_by_its_labels(folder: Path) -> None:
    pytest.importorskip("torch")
    save(mlp((6, 9, 1), ["Relu", "Sigmoid"], seed=2), folder / "model.onnx")
    x = np.random.default_rng(0).standard_normal((80, 6)).astype(np.float32)
    np.savez(folder / "data.npz", x=x, y=(x[:, 0] > 0).astype(np.int64))
    for options in (["--fixed"], ["--keep-weights"], ["--max-drop", "20", "--steps", "200"]):
        shown = run("compile", "model.onnx", "--data", "data.npz", "--out", "out", *options)
        assert "quality, accuracy, on " in shown
        assert "quality, accuracy, on " in run("inspect", "out")
        assert "quality, accuracy, on " in (folder / "out" / "report.html").read_text()


def test_inspect_model(folder: Path) -> None:
    assert "supported" in run("inspect", "model.onnx", "--json", "answers.json")
    answers = json.loads((folder / "answers.json").read_text())
    assert answers["supported"]
    assert [row["op"] for row in answers["nodes"]] == ["Gemm", "Relu", "Gemm"]


def test_inspect_convolutional_model(folder: Path) -> None:
    nodes = [node("Conv", ["x", "k"], "c", "conv"), node("Relu", ["c"], "y", "act")]
    proto = model(nodes, ["n", 1, 4, 4], weights={"k": np.ones((2, 1, 3, 3), np.float32)})
    save(proto, folder / "conv.onnx")
    assert "supported: `emcc compile` takes this model" in run("inspect", "conv.onnx", "--json", "answers.json")
    answers = json.loads((folder / "answers.json").read_text())
    assert [(row["op"], row["supported"]) for row in answers["nodes"]] == [("Conv", True), ("Relu", True)]


def test_inspect_artefact(folder: Path) -> None:
    run("compile", "model.onnx", "--out", "out", "--quiet")
    assert "model.onnx for eie, 8 PEs" in run("inspect", "out", "--json", "answers.json")
    answers = json.loads((folder / "answers.json").read_text())
    assert answers.pop("coders")["totals"]
    assert answers == json.loads((folder / "out" / "emcc.json").read_text())


def test_memory_is_printed_and_too_little_is_one_error(folder: Path) -> None:
    (folder / "r.toml").write_text("[lower]\ngroups = 1\n")
    said = run("compile", "model.onnx", "--keep-weights", "--recipe", "r.toml", "--memory", "1MB")
    manifest = json.loads((folder / "model_eie" / "emcc.json").read_text())
    bits = sum(row["bits"] for row in manifest["memory"])
    assert all(row["name"] in said for row in manifest["memory"])
    assert f"{bits:,}" in said
    assert manifest["options"]["passes"]["lower"]["memory"] == "1MB"
    (folder / "r.toml").write_text(f'[lower]\ngroups = 1\nmemory = "{bits - 1}bit"\n')
    before = contents(folder)
    said = ended("compile", "model.onnx", "--keep-weights", "--recipe", "r.toml", "--out", "other", code=2).output
    assert f"takes {bits:,} bits of memory, and there are {bits - 1:,}" in said
    assert "hint: most goes into" in said
    assert contents(folder) == before
    run(
        "compile",
        "model.onnx",
        "-q",
        "--keep-weights",
        "--recipe",
        "r.toml",
        "--memory",
        f"{bits}bit",
        "--out",
        "other",
    )
