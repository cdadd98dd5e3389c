"""The wheel alone: built, installed into an empty environment, and used from another folder.

The environment sees the dependencies of the present one through a .pth file, so that nothing is downloaded twice;
emcc itself it has from the wheel.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest
from models import mlp, save

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("compiler", "templates", "hw", "sim", "boards", "pyproject.toml", "README.md")

pytestmark = [pytest.mark.slow, pytest.mark.sim]


def clean_environment() -> dict[str, str]:
    """The environment without what could lead to the checkout; simulators are kept where other tests keep theirs.

    Numba would compile again what a model of two layers does not need compiled: its cache goes by a file's place.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "EMCC"))}
    return {**kept, "EMCC_CACHE": os.environ["EMCC_CACHE"], "NUMBA_DISABLE_JIT": "1"}


def run(*command: object, cwd: Path) -> str:
    """Standard output of a command that must succeed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, env=clean_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the tree."""
    source = tmp_path_factory.mktemp("source")
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    for name in SHIPPED:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, source / name, symlinks=True, ignore=skip)
        else:
            shutil.copy(place, source / name)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", source / "dist", source, cwd=source)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel in it, and no pip: this one's installs into it."""
    place = tmp_path_factory.mktemp("venv")
    venv.create(place)
    python = place / "bin" / "python"
    install = ("install", "--no-deps", "--no-index", "--no-compile", "--quiet", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *install, cwd=place)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place).strip())
    # Behind the wheel's own files on the path; an editable emcc is not on it, for its .pth is not read from there.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place / "bin"


def test_wheel_compiles_and_simulates(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import emcc; print(emcc.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(installed.parent)
    save(mlp((6, 9, 4), ["Relu", "Sigmoid"], seed=2), tmp_path / "model.onnx")
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32))
    run(installed / "emcc", "compile", "model.onnx", "--out", "out", "--pes", "4", "--keep-weights", cwd=tmp_path)
    shown = run(installed / "emcc", "simulate", "out", "--data", "data.npz", cwd=tmp_path)
    assert "every output integer equals the reference" in shown
    assert "[prune]" in run(installed / "emcc-fpga", "recipe", cwd=tmp_path)
    script = "import emcc, numpy; print(emcc.load('out').predict(numpy.load('data.npz')['x']).shape)"
    assert run(installed / "python", "-c", script, cwd=tmp_path) == "(5, 4)\n"


def test_wheel_holds_what_the_tree_holds(wheel: Path) -> None:
    from zipfile import ZipFile

    names = set(ZipFile(wheel).namelist())
    assert "emcc/py.typed" in names
    for folder, shipped in (
        ("templates", "templates"),
        ("hw/rtl", "rtl"),
        ("hw/hls", "hls"),
        ("hw/cells", "cells"),
        ("sim/verilator", "harness"),
        ("boards", "boards"),
        ("sim/artefact", "tb"),
    ):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix != ".md" and "__pycache__" not in path.parts:
                assert f"emcc/resources/{shipped}/{path.relative_to(ROOT / folder)}" in names
