"""The cache of built things: whole or not there, built once, keyed by contents."""

import threading
from pathlib import Path

import pytest

from emcc.base.errors import EmccError
from emcc.tools import cache


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMCC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_an_entry_is_built_once(place: Path) -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "x").write_text("1")

    entries = [cache.entry("kind", "key", build) for _ in range(3)]
    assert entries == [place / "kind" / "key"] * 3
    assert (entries[0] / "x").read_text() == "1"
    assert len(built) == 1


def test_a_build_that_fails_leaves_nothing(place: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        cache.entry("kind", "key", build)
    assert list((place / "kind").iterdir()) == []


def test_two_builders_at_once_give_one_whole_entry(place: Path) -> None:
    meet = threading.Barrier(2)

    def build(folder: Path) -> None:
        meet.wait(10)
        (folder / "x").write_text("1")

    threads = [threading.Thread(target=cache.entry, args=("kind", "key", build)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in (place / "kind").iterdir()] == ["key"]
    assert (place / "kind" / "key" / "x").read_text() == "1"


def test_the_second_of_two_builders_waits_where_it_is_told_to(place: Path) -> None:
    built, begun = [], threading.Event()

    def build(folder: Path) -> None:
        built.append(folder)
        begun.set()
        threading.Event().wait(0.3)
        (folder / "x").write_text("1")

    first, second = (
        threading.Thread(target=cache.entry, args=("kind", "key", build), kwargs={"waits": True}) for _ in range(2)
    )
    first.start()
    begun.wait(10)
    second.start()
    for thread in (first, second):
        thread.join()
    assert len(built) == 1
    assert (place / "kind" / "key" / "x").read_text() == "1"
    assert cache.entry("kind", "key", build) == place / "kind" / "key"


def test_the_digest_is_of_names_and_contents() -> None:
    first = cache.digest({"a": b"1", "b": b"2"})
    assert cache.digest({"b": b"2", "a": b"1"}) == first
    assert (
        len({first, cache.digest({"a": b"12", "b": b""}), cache.digest({"a": b"1"}), cache.digest({"ab": b"12"})}) == 4
    )


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EMCC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.root() == tmp_path / "emcc"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert cache.root() == Path.home() / ".cache" / "emcc"


def test_a_cache_that_cannot_be_written_is_told(place: Path) -> None:
    place.write_text("a file")
    with pytest.raises(EmccError, match=r"cannot write the cache[\s\S]*EMCC_CACHE"):
        cache.entry("kind", "key", lambda folder: None)


def test_a_simulator_is_of_what_its_design_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside it lies what has the model's digest in it."""
    from emcc.tools import verilator

    keys: list[str] = []
    monkeypatch.setattr(verilator, "_tools", lambda: ("a", "b", "c"))
    monkeypatch.setattr(cache, "entry", lambda kind, key, make: keys.append(key) or Path())
    sources = {"rtl/files.f": b"rtl/a.sv\n", "rtl/a.sv": b"1", "rtl/emcc_regs_pkg.sv": b"1", "rtl/h.svh": b"1"}
    verilator.build(sources)
    verilator.build({**sources, "rtl/emcc_regs_pkg.sv": b"2"})
    verilator.build({**sources, "rtl/a.sv": b"2"})
    verilator.build({**sources, "rtl/h.svh": b"2"})
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
