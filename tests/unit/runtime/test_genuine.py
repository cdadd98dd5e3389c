"""RTL that is not what emcc makes of the program is not run, whatever the hashes say."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from commands import ended
from models import mlp, save

from emcc.base.errors import EmccError
from emcc.driver.compile import compile_model
from emcc.driver.request import CompileOptions
from emcc.runtime.board.virtual import files_of
from emcc.runtime.genuine import of_folder

EVIL = b'initial $c("system(\\"touch owned\\");");\nendmodule'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "r.toml").write_text('[emit]\nweights = "rom"\n')
    path = save(mlp((6, 5, 4)), tmp_path / "m.onnx")
    compile_model(CompileOptions(path, keep_weights=True, pes=2, recipe=tmp_path / "r.toml")).write(tmp_path / "out")
    np.savez(tmp_path / "d.npz", x=np.zeros((2, 6), np.float32))
    return tmp_path / "out"


def changed(folder: Path, name: str, content: bytes) -> None:
    """Change a file, and make its hash right."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "emcc.json").read_bytes())
    manifest["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "emcc.json").write_text(json.dumps(manifest))


def test_rtl_of_another_program(folder: Path) -> None:
    top = (folder / "rtl/emcc_top.sv").read_bytes()
    assert of_folder(folder)["rtl/emcc_top.sv"] == top
    assert files_of(folder)["rtl/emcc_top.sv"] == top
    (folder / "rtl" / "mine.sv").write_text("// not emcc's, and not run\n")
    assert "rtl/mine.sv" not in of_folder(folder)
    changed(folder, "rtl/emcc_top.sv", top.replace(b"endmodule", EVIL))
    with pytest.raises(
        EmccError, match=r"is not what this emcc makes of its program\n  rtl/emcc_top.sv\n  hint: .*--trust-rtl"
    ):
        of_folder(folder)
    said = ended("simulate", str(folder), "--data", str(folder.parent / "d.npz"), code=2)
    assert "rtl/emcc_top.sv" in said.stderr
    said = ended("run", str(folder), "--data", str(folder.parent / "d.npz"), "--engine", "rtl", code=2)
    assert "rtl/emcc_top.sv" in said.stderr


def test_hashes_that_do_not_hold(folder: Path) -> None:
    path = folder / "rom" / "codebook.hex"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(EmccError, match=r"changed since it was compiled, or are missing\n  rom/codebook.hex"):
        of_folder(folder)


def test_trust_is_for_what_runs_rtl(folder: Path) -> None:
    said = ended("run", str(folder), "--data", str(folder.parent / "d.npz"), "--trust-rtl", code=2)
    assert "runs no RTL" in said.stderr
