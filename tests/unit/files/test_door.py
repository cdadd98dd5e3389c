"""The door opens regular files of a bounded size, and in a folder from elsewhere follows no link."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from emcc.files import door
from emcc.files.artefact import changed
from emcc.files.texts import LINE, from_json, from_toml


def link_to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


ODD = {
    "fifo": (os.mkfifo, "a device, a pipe or a socket"),
    "folder": (Path.mkdir, "Is a directory"),
    "link_to_device": (link_to("/dev/zero"), "a link stands there|a device"),
    "link_beside": (link_to("good"), "a link stands there"),
    "link_in_a_ring": (link_to("link_in_a_ring"), "a link stands there|Too many levels"),
    "nothing": (lambda path: None, "No such file"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "good").write_bytes(b"12345")
    (tmp_path / "good").write_bytes(b"12345")
    return tmp_path


@pytest.mark.parametrize("name", ODD)
def test_nothing_but_files_is_opened(folder: Path, name: str) -> None:
    make, text = ODD[name]
    make(folder / name)
    with pytest.raises(OSError, match=text):
        door.read_inside(folder, name)
    if name != "link_beside":
        with pytest.raises(OSError, match=text):
            door.read(folder / name)
    manifest = {"files": {name: {"sha256": ""}, "good": {"sha256": ""}}}
    assert changed(folder, manifest) == sorted(["good", name])


def test_a_link_that_the_user_names_is_followed(folder: Path) -> None:
    (folder / "link").symlink_to("good")
    assert door.read(folder / "link") == b"12345"


@pytest.mark.parametrize("name", ["../x", "deep/../good", "/etc/passwd", "", "a\0b", "linked/good"])
def test_a_name_does_not_leave_the_folder(folder: Path, name: str) -> None:
    (folder / "linked").symlink_to("deep", target_is_directory=True)
    with pytest.raises(OSError, match=r"not a name inside|a link stands there"):
        door.read_inside(folder, name)
    assert door.read_inside(folder, "deep/good") == b"12345"


def test_sizes_are_bounded(folder: Path) -> None:
    assert door.read(folder / "good", 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        door.read(folder / "good", 4)
    os.truncate(folder / "good", 1 << 40)
    with pytest.raises(OSError, match="larger than"):
        door.read_inside(folder, "good")


@pytest.mark.parametrize("text", [b"[" * 100_000, b"NaN", b"1e999", b"-Infinity", b"9" * 5000, b"", b"\xff"])
def test_json_that_is_none_is_one_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(text)


@pytest.mark.parametrize(
    "text",
    [
        *("a = " + "[" * 1900, "a = " + "9" * 1900 + "9" * 0, "a = 0x" + "f" * 1000, "a = [[18446744073709551616]]"),
        *(".".join("a" * 30_000) + " = 1", "a = " + "{a=" * 600, "a = 1\na = 2", "#\n" * (1 << 17)),
    ],
)
def test_toml_that_is_hostile_is_one_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_toml(text)


def test_long_but_honest_texts_are_read() -> None:
    assert from_json(b'{"a": [1, 2.5, -3]}') == {"a": [1, 2.5, -3]}
    assert from_toml("a = [" + "1, " * ((LINE - 10) // 3) + "]")["a"][0] == 1
