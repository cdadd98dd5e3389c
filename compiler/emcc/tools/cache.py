"""A folder of things that are slow to build, keyed by the digest of what they are built from."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from emcc.base.errors import EmccError


def root() -> Path:
    """Return $EMCC_CACHE, else emcc/ in $XDG_CACHE_HOME or ~/.cache."""
    chosen = os.environ.get("EMCC_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "emcc"


def digest(parts: Mapping[str, bytes]) -> str:
    """Return the SHA-256 over names and contents, in the order of the names, in hex."""
    state = hashlib.sha256()
    for name, content in sorted(parts.items()):
        for piece in (name.encode(), content):
            state.update(len(piece).to_bytes(8, "little") + piece)
    return state.hexdigest()


def entry(kind: str, key: str, build: Callable[[Path], None], waits: bool = False) -> Path:
    """Return the folder <root>/<kind>/<key>, made by `build(folder)` where it is not there yet.

    `build` works in a temporary folder beside it, which is renamed when whole: a reader never sees a half-built
    entry, and of two builders at once the first wins; where `waits` the second does not build but waits for it. If
    `build` raises, nothing is left.
    """
    home = root() / kind
    place = home / key
    if place.is_dir():
        return place
    if waits:
        with alone(kind):
            return entry(kind, key, build)
    try:
        home.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".build-", dir=home))
    except OSError as error:
        hint = "set EMCC_CACHE to a folder that can be written"
        raise EmccError(f"cannot write the cache: {error.strerror}", file=home, hint=hint) from None
    try:
        build(work)
        try:
            work.rename(place)
        except OSError:
            if not place.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return place


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Keep other processes that use the same cache out of what is inside, under the same name. EmccError as `entry`."""
    try:
        root().mkdir(parents=True, exist_ok=True)
        lock = os.open(root() / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        hint = "set EMCC_CACHE to a folder that can be written"
        raise EmccError(f"cannot write the cache: {error.strerror}", file=root(), hint=hint) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
