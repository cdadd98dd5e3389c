"""Where a model, its data and its recipe lie is nowhere in what is made of them."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from models import mlp, save

from emcc.driver.compile import compile_model
from emcc.driver.compress import compress_model
from emcc.driver.request import CompileOptions, CompressOptions
from emcc.files.artefact import Artefact

RECIPE = "[calibrate]\nbits = 8\n"
NEWER = 28
"""An opset that onnxruntime does not know: its message is part of what is said of the import."""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two folders with the same files, one where the command is typed, one elsewhere with an awkward name."""
    here, there = tmp_path / "here", tmp_path / "elsewhere and far" / "off"
    here.mkdir()
    save(mlp((6, 5, 3), seed=1), here / "model.onnx")
    newer = mlp((6, 5, 3), seed=1)
    newer.opset_import[0].version = NEWER
    onnx.save(newer, here / "newer.onnx")
    x = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)
    np.savez(here / "data.npz", x=x)
    (here / "recipe.toml").write_text(RECIPE)
    shutil.copytree(here, there)
    monkeypatch.chdir(here)
    return Path(), there


def compiled(folder: Path, model: str) -> Artefact:
    given = {"data": folder / "data.npz", "recipe": folder / "recipe.toml", "keep_weights": True}
    return compile_model(CompileOptions(folder / model, **given, target="c,hls", pes=2))  # type: ignore[arg-type]


def compressed(folder: Path, model: str) -> Artefact:
    return compress_model(CompressOptions(folder / model, data=folder / "data.npz", keep_weights=True))


@pytest.mark.parametrize("made", [compiled, compressed])
@pytest.mark.parametrize("model", ["model.onnx", "newer.onnx"])
def test_the_same_bytes_from_another_place(places, made, model: str) -> None:
    here, there = (made(place, model).files for place in places)
    assert here == there
    folder = str(places[1].parent.parent).encode()
    assert not [name for name, content in here.items() if folder in content]
