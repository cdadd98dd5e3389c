"""An artefact takes the place of the one before it, and of nothing that emcc did not write."""

import fcntl
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest

from emcc.base.errors import EmccError
from emcc.files import artefact as module
from emcc.files.artefact import MANIFEST, Artefact, to_json, write_file


def artefact(*names: str, text: bytes = b"new") -> Artefact:
    return Artefact({**dict.fromkeys(names, text), MANIFEST: to_json({"files": {name: {} for name in names}})})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An artefact in which somebody worked."""
    folder = tmp_path / "out"
    artefact("rtl/a.sv", "rom/b.hex", "model.emc", text=b"old").write(folder)
    (folder / "build").mkdir()
    (folder / "build" / "top.json").write_bytes(b"mine")
    (folder / "build" / "empty").mkdir()
    (folder / "rtl" / "waiver.vlt").write_bytes(b"mine")
    (folder / "link").symlink_to("nowhere")
    (folder / "linked").symlink_to("build", target_is_directory=True)
    return folder


def tree(folder: Path) -> dict[str, bytes | str]:
    """Contents of files, targets of links, "" for folders."""
    return {
        path.relative_to(folder).as_posix(): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else ""
        for path in folder.rglob("*")
    }


def test_what_emcc_did_not_write_stays(folder: Path) -> None:
    before = tree(folder)
    fresh = artefact("rtl/a.sv", "rom/c.hex")
    fresh.write(folder)
    kept = {name: before[name] for name in before if name.split("/")[0] in ("build", "link", "linked")}
    assert tree(folder) == {**kept, "rtl": "", "rom": "", **fresh.files, "rtl/waiver.vlt": b"mine"}
    assert os.listdir(folder.parent) == ["out"]


@pytest.mark.parametrize("name", ["build/top.json", "link", "build", "rtl/waiver.vlt/x"])
def test_a_foreign_file_in_the_way_is_refused(name: str, folder: Path) -> None:
    before = tree(folder)
    with pytest.raises(EmccError, match="was not written by emcc, and stands where emcc would write"):
        artefact(name).write(folder)
    assert tree(folder) == before
    assert os.listdir(folder.parent) == ["out"]


def test_a_folder_that_cannot_be_listed_is_not_lost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: Path | str | int) -> object:
        if str(path) == str(folder / "build" / "deep"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    (folder / "build" / "deep").mkdir()
    (folder / "build" / "deep" / "notes").write_bytes(b"mine")
    before = tree(folder)
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        with pytest.raises(EmccError, match="Permission denied"):
            artefact("rtl/a.sv").write(folder)
    assert tree(folder) == before


@pytest.mark.parametrize("marker", [b"", b"[]", b'{"files": 3}', b'{"files": {"../../x": 1, "/etc": {}}}', b"[" * 9999])
def test_a_marker_of_no_use_makes_everything_foreign(marker: bytes, folder: Path) -> None:
    (folder / MANIFEST).write_bytes(marker)
    artefact("rtl/d.sv").write(folder)
    assert (folder / "model.emc").read_bytes() == b"old"
    with pytest.raises(EmccError, match="was not written by emcc"):
        artefact("model.emc").write(folder)


def test_a_lock_of_another_is_not_waited_for_without_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT", 0.2)
    before = tree(folder)
    handle = os.open(folder.parent, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(EmccError, match=r"has been locked by another program for 0.2 s"):
            artefact("rtl/a.sv").write(folder)
    finally:
        os.close(handle)
    assert tree(folder) == before
    artefact("rtl/a.sv").write(folder)
    assert os.listdir(folder.parent) == ["out"]


@pytest.mark.parametrize("name", ["mkdtemp", "mkstemp"])
def test_a_signal_as_a_place_is_made_leaves_none(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = getattr(tempfile, name)

    def made(*args: Any, **options: Any) -> Any:
        place = real(*args, **options)
        signal.raise_signal(signal.SIGINT)
        return place

    monkeypatch.setattr(module.tempfile, name, made)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    writes = {
        "mkdtemp": lambda: artefact("rtl/a.sv").write(tmp_path / "out"),
        "mkstemp": lambda: write_file(tmp_path / "y.npz", b"1"),
    }
    try:
        with pytest.raises(KeyboardInterrupt):
            writes[name]()
    finally:
        signal.signal(signal.SIGINT, before)
    assert os.listdir(tmp_path) == []
