"""What is kept to be run belongs to the user alone, and is as it was written."""

import os
from pathlib import Path

import pytest

from emcc.base.errors import EmccError
from emcc.tools import cache


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("EMCC_CACHE", str(tmp_path / "a 'cache'"))
    return tmp_path / "a 'cache'"


def build(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "x").write_text("1")
    (folder / "program").write_text("good")


def test_folders_are_made_for_the_user_alone(place: Path) -> None:
    old = os.umask(0)
    try:
        entry = cache.entry("kind", "key", build)
    finally:
        os.umask(old)
    assert [path.stat().st_mode & 0o777 for path in (entry, entry.parent, place)] == [0o700] * 3


@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "seal", "link", "fifo"])
def test_a_damaged_entry_is_built_again(damage: str) -> None:
    entry = cache.entry("kind", "key", build)
    program = entry / "program"
    match damage:
        case "changed":
            program.write_text("evil")
        case "cut":
            (entry / "deep" / "x").write_text("")
        case "seal":
            (entry / cache.SEAL).write_text("[" * 9999)
        case _:
            program.unlink()
            if damage == "link":
                program.symlink_to("/dev/zero")
            elif damage == "fifo":
                os.mkfifo(program)
    assert (cache.entry("kind", "key", build) / "program").read_text() == "good"
    assert sorted(path.name for path in entry.parent.iterdir()) == ["key"]


def test_what_others_may_write_is_not_run(place: Path) -> None:
    entry = cache.entry("kind", "key", build)
    for folder, mode, said in ((place, 0o777, True), (place, 0o1777, False), (place.parent, 0o770, True)):
        before = folder.stat().st_mode
        folder.chmod(mode)
        if said:
            with pytest.raises(EmccError, match=r"others may write there[\s\S]*EMCC_CACHE"):
                cache.entry("kind", "key", build)
        else:
            assert cache.entry("kind", "key", build) == entry
        folder.chmod(before)


def test_what_the_user_left_open_is_closed() -> None:
    entry = cache.entry("kind", "key", build)
    entry.chmod(0o777)
    cache.entry("kind", "key", build)
    assert entry.stat().st_mode & 0o777 == 0o700


def test_what_another_user_made_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user who is not the one that owns the folders; root's are taken."""
    entry = cache.entry("kind", "key", build)
    owner = entry.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    if owner:
        with pytest.raises(EmccError, match="belongs to another user"):
            cache.entry("kind", "key", build)
    else:
        assert cache.entry("kind", "key", build) == entry
        os.chown(entry, 4321, -1)
        with pytest.raises(EmccError, match="belongs to another user"):
            cache.entry("kind", "key", build)
        os.chown(entry, 0, -1)


def test_no_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMCC_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(EmccError, match=r"no home folder[\s\S]*EMCC_CACHE"):
        cache.entry("kind", "key", build)
