"""A disk that fills or refuses: one clear error, and everything as it was before."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bad_models as bad
import numpy as np
import pytest
from models import save
from typer.testing import CliRunner

from emcc.cli import app

COMPILE = ["compile", "model.onnx", "--out", "out", "--quiet"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good model, which is the working folder."""
    save(bad.good(), tmp_path / bad.MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB; needs to be root."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "emcc", disk], capture_output=True).returncode:
        pytest.skip("cannot mount a file system here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def listing(folder: Path) -> dict[str, bytes]:
    """All files and their contents."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fail_after(files: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Path.write_bytes` writes half of a file and raises, once so many were written."""
    real, written = Path.write_bytes, [0]

    def write(path: Path, content: bytes) -> int:
        written[0] += 1
        if written[0] > files:
            real(path, content[: len(content) // 2])
            raise error
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", write)


@pytest.mark.parametrize("files", [0, 7])
@pytest.mark.parametrize("before", [False, True])
def test_full_disk(files: int, before: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if before:
        assert CliRunner().invoke(app, [*COMPILE, "--pes", "2"]).exit_code == 0
    had = listing(folder)
    fail_after(files, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), monkeypatch)
    result = CliRunner().invoke(app, COMPILE)
    assert result.exit_code == 2
    assert result.stderr == "emcc: error: out: cannot be written: No space left on device\n"
    assert listing(folder) == had
    assert sorted(os.listdir(folder)) == (["model.onnx", "out"] if before else ["model.onnx"])


def test_interrupt_while_writing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_after(3, KeyboardInterrupt(), monkeypatch)
    result = CliRunner().invoke(app, [*COMPILE[:-2], "new/deep/out"])
    assert result.exit_code == 130
    assert "Traceback" not in result.stderr
    assert os.listdir(folder) == ["model.onnx"]


def test_really_full_disk(small_disk: Path, folder: Path) -> None:
    result = CliRunner().invoke(app, ["compile", "model.onnx", "--out", str(small_disk / "out"), "--quiet"])
    assert result.exit_code == 2
    assert result.stderr == f"emcc: error: {small_disk}/out: cannot be written: No space left on device\n"
    assert os.listdir(small_disk) == []


def test_file_size_limit(folder: Path) -> None:
    script = (
        "import resource, sys; from emcc.cli import main; from emcc.eie.groups import cycles;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)); sys.argv = ['emcc', *sys.argv[1:]]; main()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-B", "-c", script, *COMPILE]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2, done.stderr
    assert done.stderr == "emcc: error: out: cannot be written: File too large\n"
    assert os.listdir(folder) == ["model.onnx"]


def test_folder_not_writable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "locked").mkdir(mode=0o555)
    if os.geteuid() == 0:  # to whom nothing is locked
        monkeypatch.setattr(os, "access", lambda path, mode: "locked" not in str(path))
    result = CliRunner().invoke(app, ["compile", "model.onnx", "--out", "locked/out", "--quiet"])
    assert result.exit_code == 2
    assert result.stderr == "emcc: error: locked/out: cannot be written: Permission denied\n"
    assert os.listdir(folder / "locked") == []


def test_read_only_disk(small_disk: Path, folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    result = CliRunner().invoke(app, ["compile", "model.onnx", "--out", str(small_disk / "a" / "out"), "--quiet"])
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr


def test_full_disk_for_json(small_disk: Path, folder: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(bytes(1 << 20))
    result = CliRunner().invoke(app, ["inspect", "model.onnx", "--json", str(small_disk / "result.json")])
    assert result.exit_code == 2
    assert result.stderr.endswith("cannot be written: No space left on device\n")
    assert os.listdir(small_disk) == ["filler"]


def test_json_into_a_folder_that_is_not_there(folder: Path) -> None:
    result = CliRunner().invoke(app, ["inspect", "model.onnx", "--json", "nowhere/result.json"])
    assert result.exit_code == 2
    assert result.stderr == "emcc: error: nowhere/result.json: cannot be written: No such file or directory\n"


def test_data_unreadable(folder: Path) -> None:
    (folder / "data.npz").mkdir()
    result = CliRunner().invoke(app, [*COMPILE, "--data", "data.npz"])
    assert result.exit_code == 2
    assert result.stderr.startswith("emcc: error: data.npz: ")


def test_data_truncated(folder: Path) -> None:
    np.savez(folder / "whole.npz", x=np.zeros((4, 6), np.float32))
    data = (folder / "whole.npz").read_bytes()
    (folder / "data.npz").write_bytes(data[: len(data) // 2])
    result = CliRunner().invoke(app, [*COMPILE, "--data", "data.npz"])
    assert result.exit_code == 2
    assert result.stderr.startswith("emcc: error: data.npz: ")
