"""A folder of things that are slow to build, keyed by the digest of what they are built from."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from emcc.base import owned
from emcc.base.errors import EmccError
from emcc.files import door
from emcc.files.texts import from_json

HINT = "set EMCC_CACHE to a folder of your own that can be written"
SEAL = "sealed.json"


def root() -> Path:
    """Return $EMCC_CACHE, else emcc/ in $XDG_CACHE_HOME or ~/.cache. EmccError where there is no home."""
    chosen, base = os.environ.get("EMCC_CACHE"), os.environ.get("XDG_CACHE_HOME")
    try:
        if chosen:
            return Path(chosen).expanduser().absolute()
        return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "emcc"
    except RuntimeError:
        raise EmccError("there is no home folder to keep a cache in", hint=HINT) from None


def digest(parts: Mapping[str, bytes]) -> str:
    """Return the SHA-256 over names and contents, in the order of the names, in hex."""
    state = hashlib.sha256()
    for name, content in sorted(parts.items()):
        for piece in (name.encode(), content):
            state.update(len(piece).to_bytes(8, "little") + piece)
    return state.hexdigest()


def entry(kind: str, key: str, build: Callable[[Path], None], waits: bool = False) -> Path:
    """Return the folder <root>/<kind>/<key>, made by `build(folder)` where it is not there yet, or damaged.

    `build` works in a temporary folder beside it, which is renamed when whole: a reader never sees a half-built
    entry, and of two builders at once the first wins; where `waits` the second does not build but waits for it. If
    `build` raises, nothing is left.

    What is in an entry will be run, so that it and what is above it must be the user's (emcc.base.owned); its files
    are held against the digests that were written with them. EmccError where others may write there.
    """
    home = _home(kind)
    place = home / key
    if whole(place):
        return place
    if waits:
        with alone(kind):
            return entry(kind, key, build)
    try:
        work = Path(tempfile.mkdtemp(prefix=".build-", dir=home))
    except OSError as error:
        raise _unwritable(error, home) from None
    try:
        build(work)
        seal(work)
        if os.path.lexists(place) and not whole(place):
            place.rename(work.with_suffix(".damaged"))
        try:
            work.rename(place)
        except OSError:
            if not whole(place):
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(work.with_suffix(".damaged"), ignore_errors=True)
    return place


def seal(folder: Path) -> None:
    """Write down the digests of the files of a fresh entry."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    facts = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    (folder / SEAL).write_text(json.dumps(facts), encoding="utf-8")


def whole(folder: Path) -> bool:
    """Tell whether an entry is there and as it was sealed. EmccError where it is somebody else's."""
    if not folder.is_dir() or folder.is_symlink():
        return False
    owned.check(folder)
    try:
        known = from_json(door.read_inside(folder, SEAL, 1 << 20))
        return isinstance(known, dict) and all(_as_sealed(folder, name, value) for name, value in known.items())
    except (OSError, ValueError):
        return False


def _as_sealed(folder: Path, name: str, digest: object) -> bool:
    with door.opened_inside(folder, name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def _home(kind: str) -> Path:
    """Return <root>/<kind>, made where it is not there. EmccError where it cannot be, or is not the user's alone."""
    top = root()
    try:
        for folder in (*reversed(top.parents), top, top / kind):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unwritable(error, top) from None
    owned.check(top / kind)
    return top / kind


def _unwritable(error: OSError, folder: Path) -> EmccError:
    return EmccError(f"cannot write the cache: {error.strerror}", file=folder, hint=HINT)


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Keep other processes that use the same cache out of what is inside, under the same name. EmccError as `entry`."""
    home = _home(name)
    try:
        lock = os.open(home / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unwritable(error, home) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
