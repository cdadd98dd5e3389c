"""--teacher: a student given as a second file, and one whose interface is another."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import ended
from commands import run as emcc
from models import mlp, save

import emcc as python
from emcc.files.manifest import problems
from emcc.frontend import load
from emcc.ops.interpret import run

RECIPE = (
    "[search]\nepochs = 2\nsettle = 1\ncode_epochs = 1\nshared_epochs = 2\nbatch = 32\nleast_steps = 1\n"
    '[distil]\nepochs = 6\nhint_epochs = 2\nlearning_rate = 0.02\nfeatures = "auto"\n'
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("torch")
    save(mlp((12, 40, 24, 4), seed=2), tmp_path / "teacher.onnx")
    save(mlp((12, 10, 4), seed=3), tmp_path / "student.onnx")
    x = np.random.default_rng(0).standard_normal((400, 12)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=run(load(tmp_path / "teacher.onnx"), x).argmax(axis=1))
    (tmp_path / "fast.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


TAUGHT = ("student.onnx", "--teacher", "teacher.onnx", "--data", "data.npz", "--recipe", "fast.toml")


def test_a_student_learns_and_is_compressed(folder: Path) -> None:
    said = emcc("compress", *TAUGHT, "--target-sparsity", "0.3", "--out", "out")
    manifest = json.loads(Path("out/emcc.json").read_text())
    assert problems(manifest) == []
    teacher = manifest["teacher"]
    assert teacher["file"] == "teacher.onnx"
    assert teacher["parameters"] == 12 * 40 + 40 * 24 + 24 * 4 + 40 + 24 + 4
    student = teacher["student"]
    assert student["quality"] > student["before"] + 20
    assert (student["teacher"], manifest["search"]["quality_before"]) == (100, 100)
    assert student["features"] == ["a0", "a0"]
    assert manifest["options"]["passes"]["distil"]["epochs"] == 6
    assert manifest["totals"]["parameters"] == 12 * 10 + 10 * 4 + 10 + 4, "of the student"
    assert "student of teacher.onnx (1,604 parameters" in said
    assert "than its teacher" in Path("out/report.html").read_text()
    emcc("compress", *TAUGHT, "--target-sparsity", "0.3", "--out", "again", "--quiet")
    for name in ("model.emc", "emcc.json", "report.html"):
        assert Path("out", name).read_bytes() == Path("again", name).read_bytes()


def test_compile_holds_it_against_the_teacher(folder: Path) -> None:
    recipe = {"distil": {"epochs": 4, "learning_rate": 0.02}, "finetune": {"epochs": 1, "shared_epochs": 1}}
    recipe["prune"] = {"sparsity": 0.3}
    with pytest.warns(python.EmccWarning, match="points of accuracy"):
        artefact = python.compile(
            "student.onnx", teacher="teacher.onnx", data="data.npz", fixed=True, recipe=recipe, pes=4
        )
    manifest = artefact.manifest
    assert problems(manifest) == []
    assert manifest["quality"]["float"] == 100, "the teacher's"
    (did,) = [row["did"] for row in manifest["passes"] if row["name"] == "distil"]
    assert did.startswith("accuracy ")
    assert "after learning of teacher.onnx, which has 100.00 %" in did


@pytest.mark.parametrize(
    ("sizes", "tail", "said"),
    [
        ((12, 10, 3), None, "output 'z1' is [3] a sample, the teacher's [4]"),
        ((11, 10, 4), None, "input 'x' is [11] a sample, the teacher's [12]"),
        ((12, 10, 4), "Softmax", "operators behind the last layer: Softmax, and the teacher's: none"),
    ],
)
def test_another_interface_is_one_error(folder: Path, sizes: tuple[int, ...], tail: str | None, said: str) -> None:
    save(mlp(sizes, seed=3, tail=tail), folder / "student.onnx")
    for command in ("compress", "compile"):
        shown = ended(command, *TAUGHT, code=2).output.replace("\n", " ")
        assert "student.onnx: is not a student of teacher.onnx: their interfaces differ" in shown
        assert said in " ".join(shown.split())
    assert not list(folder.glob("student_*"))


def test_several_outputs_and_one(folder: Path) -> None:
    two = mlp((12, 10, 4), seed=3)
    two.graph.output.append(type(two.graph.output[0])(name=two.graph.node[0].output[0]))
    two.graph.output[1].type.CopyFrom(two.graph.output[0].type)
    two.graph.output[1].type.tensor_type.shape.dim[1].dim_value = 10
    save(two, folder / "student.onnx")
    assert "2 outputs, and the teacher 1 output" in emcc("compress", *TAUGHT, code=2)


def test_what_does_not_go_with_a_teacher(folder: Path) -> None:
    assert "trains nothing, and --teacher teaches" in emcc("compress", *TAUGHT, "--keep-weights", code=2)
    assert "--teacher teaches on samples" in emcc("compress", *TAUGHT[:3], code=2)
    assert "none.onnx: there is no such file" in emcc("compress", *TAUGHT[:2], "none.onnx", *TAUGHT[3:], code=2)
    (folder / "fast.toml").write_text('[distil]\nepochs = 1\nfeatures = "a=b"\n')
    assert "the teacher has no hidden tensor 'a'" in emcc("compress", *TAUGHT, code=2)
    (folder / "fast.toml").write_text("[distil]\nepochs = 0\n")
    shown = emcc("compress", *TAUGHT, "--max-drop", "1", code=2)
    assert "--max-drop 1 cannot be had: accuracy" in shown
    assert "after learning of teacher.onnx" in " ".join(shown.split())
