"""A small labelled problem through the commands, with little training."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from models import mlp, save
from typer.testing import CliRunner

from emcc.cli import app

FAST = (
    "[search]\nepochs = 2\nsettle = 1\ncode_epochs = 1\nshared_epochs = 2\nbatch = 32\nleast_steps = 4\n"
    "[finetune]\nepochs = 2\n"
)


def invoked(folder: Path, command: str, recipe: str, *options: str) -> Result:
    """A run on a small labelled problem."""
    x = np.random.default_rng(0).standard_normal((300, 12)).astype(np.float32)
    np.savez(folder / "data.npz", x=x, y=(x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0))
    (folder / "recipe.toml").write_text(recipe + FAST)
    model = save(mlp([12, 16, 3], seed=3), folder / "m.onnx")
    files = ["--data", folder / "data.npz", "--recipe", folder / "recipe.toml", "--out", folder / "out", "--quiet"]
    return CliRunner().invoke(app, [command, str(model), *map(str, files), *options])


def manifest_of(folder: Path, command: str, recipe: str, *options: str) -> dict[str, Any]:
    """Its manifest."""
    pytest.importorskip("torch")
    result = invoked(folder, command, recipe, *options)
    assert result.exit_code == 0, result.output
    manifest: dict[str, Any] = json.loads((folder / "out" / "emcc.json").read_text())
    return manifest
