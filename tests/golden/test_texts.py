"""Graphs and Programs as text, to the letter: `python tests/golden/test_texts.py` writes them anew."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from golden_cases import CASES, DIGITS, KEEP
from models import save
from qgraphs import quantised
from typer.testing import CliRunner

from emcc.cli import app
from emcc.compress.kmeans import Share
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.frontend import load
from emcc.ir.graph import Format, Graph, Node, Tensor
from emcc.ir.text import graph_text, program_text
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise

TEXTS = Path(__file__).parent / "texts"


def inspected(path: Path) -> str:
    """What `emcc inspect --ir` prints."""
    result = CliRunner().invoke(app, ["inspect", str(path), "--ir"])
    assert result.exit_code == 0, result.output
    return result.output


def model(name: str, folder: Path) -> Path:
    """The ONNX file of a golden case."""
    made = CASES[name].model
    return DIGITS / made if isinstance(made, str) else save(made(), folder / "model.onnx")


def dumped(folder: Path) -> dict[str, str]:
    """What `--dump` writes of a network with function tables."""
    path = model("sigmoid_tanh", folder)
    arguments = [
        "compile",
        str(path),
        *KEEP,
        "--pes",
        "4",
        "--out",
        str(folder / "out"),
        "--dump",
        str(folder / "dump"),
    ]
    result = CliRunner().invoke(app, [*arguments, "--quiet"])
    assert result.exit_code == 0, result.output
    texts = {file.stem: file.read_text() for file in sorted((folder / "dump").iterdir())}
    assert texts["07-program"] == inspected(folder / "out")
    return texts


def convolutional(folder: Path) -> Graph:
    """The small convolutional network in integers."""
    folded = Fold().apply(load(model("small_conv", folder)))
    return Quantise().apply(Calibrate().apply(Share().kept().apply(folded)))


def joins() -> Graph:
    """A product over space, a sum with itself, a Concat of one tensor twice, a Softmax between, two outputs."""
    step = {"act_w": 16, "function": "identity", "hi_bits": 0, "lo_bits": 0, "shift": 0}
    nodes = (
        Node("square", "QProduct", ("x", "v"), ("a",), {**step, "z_frac": 8, "shift": 4}),
        Node("sum", "QSum", ("a", "x"), ("b",), {**step, "weights": (1, 4), "z_frac": 8}),
        Node("join", "Concat", ("b", "b"), ("c",), {"axis": 1}),
        Node('odd "name"\n', "Softmax", ("c",), ("d",), {"axis": 1}),
    )
    fracs = {"x": 6, "v": 6, "a": 8, "b": 8, "c": 8, "d": 15}
    channels = {"c": 4, "d": 4}
    tensors = {
        name: Tensor(name, (None, channels.get(name, 2), *((1, 1) if name == "v" else (2, 3))), fmt=Format(16, frac))
        for name, frac in fracs.items()
    }
    tail = Node("last", "QSum", ("d",), ("e",), {**step, "weights": (1,), "z_frac": 15, "function": "relu"})
    tensors["e"] = Tensor("e", (None, 4, 2, 3), fmt=Format(16, 15))
    return Graph("joins", ("x", "v"), ("a", "e"), (*nodes, tail), tensors, {"unused": np.arange(3)})


def texts(folder: Path) -> dict[str, str]:
    """All of them, by file."""
    stages = dumped(folder)
    conv = convolutional(folder)
    plain = quantised([12, 9, 4], seed=1)
    return {
        "digits-model": inspected(model("digits", folder)),
        "conv-model": inspected(model("small_conv", folder)),
        **{f"tables-{stage}": stages[stage] for stage in ("01-fold", "04-share", "06-quantise", "07-program")},
        "conv-integers": graph_text(conv),
        "conv-program": program_text(lower(conv, LowerOptions(pes=2))),
        "joins-program": program_text(lower(joins(), LowerOptions(pes=4))),
        "chain-program": program_text(lower(plain, LowerOptions(pes=3, balance="none"))),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The texts as they are now."""
    return texts(tmp_path_factory.mktemp("texts"))


@pytest.mark.parametrize("file", sorted(TEXTS.glob("*.txt")), ids=lambda file: file.stem)
def test_the_text_is_the_same(file: Path, made: dict[str, str]) -> None:
    assert made[file.stem] == file.read_text()


def test_every_text_is_here(made: dict[str, str]) -> None:
    assert {file.stem for file in TEXTS.glob("*.txt")} == set(made)
    assert len(made) == 10


def test_no_line_of_a_model_ends_a_line(made: dict[str, str]) -> None:
    assert 'Softmax "odd \\"name\\"\\n"' in made["joins-program"]


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = CliRunner().invoke(app, ["compile", str(DIGITS / "digits.onnx"), *KEEP, "--dump", str(tmp_path)])
    assert result.exit_code == 2
    assert "has other files: notes.txt" in result.output
    assert (tmp_path / "notes.txt").read_text() == "mine"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        for stem, text in texts(Path(work)).items():
            (TEXTS / f"{stem}.txt").write_text(text)
