"""Machine code is kept beside the package, or in the user's own folder, or not at all."""

import os
from pathlib import Path

import pytest

from emcc.base.jit import compiled, kept

NOBODY = 4321


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the user's, where the package may not be written to."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.fixture
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("package") / "loops.py"


def test_it_is_kept_in_the_users_own_home(home: Path, package: Path) -> None:
    assert kept(package)
    (home / ".cache" / "numba").mkdir(parents=True, mode=0o755)
    assert kept(package)


def test_without_a_home_nothing_is_kept(home: Path, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    assert not kept(package)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert not kept(package)
    assert compiled(lambda x: x)._cache.cache_path is None  # type: ignore[attr-defined]
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    assert kept(package)


@pytest.mark.parametrize("where", ["home", ".cache", "numba"])
def test_nothing_is_kept_where_another_user_could_write(
    where: str, home: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = {"home": home, ".cache": home / ".cache", "numba": home / ".cache" / "numba"}[where]
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)
    assert not kept(package)
    folder.chmod(0o755)
    assert kept(package)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    if os.getuid() == 0:
        os.chown(folder, NOBODY, -1)
    assert not kept(package)


def test_a_folder_that_is_named_is_looked_at_as_well(
    home: Path, package: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path_factory.mktemp("named")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(named))
    named.chmod(0o777)
    assert not kept(package)
    named.chmod(0o700)
    assert kept(package)


def test_beside_the_package_is_where_the_user_may_write_at_any_rate(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    assert kept(package)
    (package.parent / "__pycache__").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != package.parent / "__pycache__")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert not kept(package)
