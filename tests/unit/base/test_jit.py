"""Machine code is kept in the user's own folder, or not at all."""

import os

import pytest

from emcc.base.jit import compiled, has_home


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert has_home()
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    assert not has_home()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert not has_home()
    assert compiled(lambda x: x)._cache.cache_path is None  # type: ignore[attr-defined]
    monkeypatch.setenv("XDG_CACHE_HOME", "/tmp")
    assert has_home()
