"""A folder of files as a value, and how it reaches the disk: whole, or not at all."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from emcc.base.errors import EmccError
from emcc.base.text import for_path, printable
from emcc.files import door
from emcc.files.manifest import is_plain, problems
from emcc.files.texts import from_json

MANIFEST = "emcc.json"
FORMAT = 5
_LARGEST = 1 << 24
WAIT, _TURN = 60, 0.05
"""Seconds that another process is waited for, and between two tries."""

_NUMBERS = re.compile(r"\[[-+\d.eE,\s]+\]")


@dataclass(frozen=True)
class Artefact:
    """Files by their "/"-separated relative names; the manifest is one of them."""

    files: Mapping[str, bytes]

    def __post_init__(self) -> None:
        for name in self.files:
            if not is_plain(name):
                raise ValueError(f"not a plain relative file name: {name!r}")

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The parsed emcc.json."""
        return dict(json.loads(self.files[MANIFEST]))

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents in order."""
        total = hashlib.sha256()
        for name in sorted(self.files):
            total.update(f"{name}\0{hashlib.sha256(self.files[name]).hexdigest()}\n".encode())
        return total.hexdigest()

    def write(self, folder: Path, marker: str = MANIFEST) -> None:
        """Put the files into `folder`, in place of what emcc wrote there before: the "files" of `marker`, and itself.

        Whatever else is in `folder` stays, inside rtl/ and rom/ too. Everything is written to a sibling folder first,
        which takes the place of `folder` by one rename.

        Raises:
            EmccError: `folder` is not ours to replace, a file that emcc did not write has the name of one of these,
                or the system refuses; `folder` is then as it was.
        """
        check_folder(folder, marker)
        with _refusals(folder), _parents(folder.resolve()) as target, _alone(target.parent):
            check_folder(folder, marker)
            fresh: Path | None = None
            try:
                with _undisturbed():  # or a signal leaves a folder that nobody knows
                    fresh = Path(tempfile.mkdtemp(prefix=f".{for_path(target.name, 80)}.new-", dir=target.parent))
                fresh.chmod(0o777 & ~_umask())
                for name in sorted(self.files):
                    path = fresh / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(self.files[name])
                if target.exists():
                    _carry_over(target, fresh, _written_before(target / marker))
                _swap(fresh, target)
            finally:
                with _undisturbed():
                    if fresh is not None:
                        shutil.rmtree(fresh, ignore_errors=True)


def check_folder(folder: Path, marker: str = MANIFEST, names: Sequence[str] = ()) -> None:
    """Raise EmccError if `folder` cannot become an artefact; cheap, so asked before the work as well as after.

    `names` are of files that will surely be written.
    """
    with _refusals(folder):
        if folder.is_symlink() and not folder.exists():
            raise EmccError("the output folder is a link to nothing", file=folder)
        if folder.exists() and not folder.is_dir():
            raise EmccError("the output is a file, not a folder", file=folder, hint="name another folder with --out")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / marker).is_file():
            raise EmccError(
                f"the output folder holds something else than emcc's output (it has no {marker})",
                file=folder,
                hint="name a new or empty folder with --out",
            )
        for name in {name for name in names if os.path.lexists(folder / name)} - _written_before(folder / marker):
            raise _in_the_way(folder / name)
        above = next(parent for parent in folder.resolve().parents if parent.exists())
        if not above.is_dir():
            raise EmccError("the output folder lies under a file", file=folder, hint="name another folder with --out")
        if not os.access(above, os.W_OK | os.X_OK):
            raise PermissionError(13, os.strerror(13), str(above))


def check_file(path: Path | None) -> None:
    """Raise EmccError if a file that is asked for cannot be written; cheap, so asked before the work."""
    if path is None:
        return
    with _refusals(path):
        if path.is_dir():
            raise EmccError("is a folder, not a file", file=path)
        if not path.parent.is_dir():
            raise EmccError("there is no such folder", file=path.parent, hint="make it first")
        path.exists()


def fresh(path: Path) -> Path:
    """Take a file of an earlier run away, and return its path. EmccError where a new one could not be written there."""
    check_file(path)
    with _refusals(path):
        path.unlink(missing_ok=True)
        with path.open("xb"):
            pass
        path.unlink()
    return path


def write_file(path: Path, content: bytes) -> None:
    """Write one file, whole or not at all. Raises EmccError where the system refuses."""
    if path.is_dir():
        raise EmccError("is a folder, not a file", file=path)
    with _refusals(path):
        if path.exists() and not path.is_file():  # a pipe or a device: /dev/stdout
            path.write_bytes(content)
            return
        fresh = ""
        try:
            with _undisturbed():
                handle, fresh = tempfile.mkstemp(prefix=f".{for_path(path.name, 80)}.new-", dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(fresh, 0o666 & ~_umask())
            os.replace(fresh, path)
        finally:
            if fresh:
                Path(fresh).unlink(missing_ok=True)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of an artefact on disk and check it against its schema.

    Raises EmccError if there is none, or one that emcc did not write, or another version did.
    """
    path = folder / MANIFEST
    if not folder.is_dir() or not os.path.lexists(path):
        raise EmccError(
            f"not an artefact: no {MANIFEST} there", file=folder, hint="give the folder that `emcc compile` wrote"
        )
    data = read_file(folder, MANIFEST, _LARGEST)
    try:
        manifest = from_json(data)
    except ValueError as error:
        raise EmccError(f"cannot be read as JSON: {printable(str(error))}", file=path) from error
    version = manifest.get("format") if isinstance(manifest, dict) else None
    if type(version) is not int or version != FORMAT:
        number = printable(repr(version), 40)
        raise EmccError(f"artefact format {number}, this emcc reads {FORMAT}", file=path, hint="compile again")
    wrong = problems(manifest)
    if wrong:
        lines = [printable(line) for line in wrong]
        raise EmccError("is not what emcc writes", file=path, hint="compile again", details=lines)
    return dict(manifest)


def read_file(folder: Path, name: str, most: int = door.LARGEST) -> bytes:
    """Read a file of an artefact on disk. EmccError where there is none, or one that door.read_inside refuses."""
    try:
        return door.read_inside(folder, name, most)
    except OSError as error:
        hint = "compile the model again, or fetch the folder again"
        raise EmccError(f"cannot be read: {error.strerror}", file=folder / name, hint=hint) from error


def to_json(value: Any) -> bytes:
    """Return indented JSON with sorted keys; arrays of numbers stand on one line. NaN and infinity are refused."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
    return (_NUMBERS.sub(lambda row: " ".join(row[0].split()), text) + "\n").encode()


def changed(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Name the files of an artefact on disk that are not as the manifest has them, or not there."""
    return [name for name, facts in sorted(manifest["files"].items()) if hashed(folder, name) != facts["sha256"]]


def facts_of(content: bytes) -> dict[str, Any]:
    """Return what a manifest says of a file: its size and SHA-256."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def hashed(folder: Path, name: str) -> str | None:
    """Return the SHA-256 of a file of a folder on disk, in hex; None where it is none that `door` opens."""
    try:
        with door.opened_inside(folder, name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmccError(f"cannot be written: {error.strerror or error}", file=path) from error
    except RuntimeError as error:  # what resolve() raises, up to Python 3.12
        if "link loop" not in str(error):
            raise
        raise EmccError("cannot be written: its links lead in a ring", file=path) from error


@contextmanager
def _parents(folder: Path) -> Iterator[Path]:
    """Make the folders above `folder`; take those away again if the body fails."""
    missing = [parent for parent in folder.parents if not parent.exists()]
    made: list[Path] = []
    try:
        for parent in reversed(missing):
            parent.mkdir(exist_ok=True)
            made.append(parent)
        yield folder
    except BaseException:
        for parent in reversed(made):
            try:
                parent.rmdir()
            except OSError:
                break
        raise


def _swap(fresh: Path, target: Path) -> None:
    """Put `fresh` in the place of `target`, and delete what was there; a signal waits until that is done."""
    if not target.exists():
        os.rename(fresh, target)
        return
    with _undisturbed():
        old = Path(tempfile.mkdtemp(prefix=f".{for_path(target.name, 80)}.old-", dir=target.parent))
        try:
            os.rename(target, old)
        except BaseException:
            old.rmdir()
            raise
        try:
            os.rename(fresh, target)
        except BaseException:
            os.rename(old, target)
            raise
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back signals that end a program until the body is over; only the main thread gets any."""
    caught: list[int] = []
    held: dict[signal.Signals, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) not in (None, signal.SIG_IGN):
                    held[number] = signal.getsignal(number)
                    signal.signal(number, lambda number, _frame: caught.append(number))
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes that write into the same folder out, where its file system has locks.

    EmccError where one is in it for WAIT seconds: whoever may read a folder can lock it.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        end = time.monotonic() + WAIT
        while not _locked(handle):
            if time.monotonic() > end:
                hint = "name another folder with --out, or end the program that holds it"
                raise EmccError(f"has been locked by another program for {WAIT} s", file=folder, hint=hint)
            time.sleep(_TURN)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    """Tell whether a folder is this process's alone now, or its file system has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _written_before(marker: Path) -> set[str]:
    """Return the names that the marker of an earlier run lists, and its own."""
    try:
        value = from_json(door.read(marker, _LARGEST))
    except (OSError, ValueError):
        value = None
    names = value.get("files") if isinstance(value, dict) else None
    return {marker.name, *(name for name in (names if isinstance(names, dict | list) else ()) if isinstance(name, str))}


def _in_the_way(path: Path) -> EmccError:
    hint = "move it, or name another folder with --out"
    return EmccError("was not written by emcc, and stands where emcc would write", file=path, hint=hint)


def _carry_over(old: Path, fresh: Path, ours: set[str]) -> None:
    """Link (or copy) into `fresh` what is in `old` and is not ours; folders and symbolic links as they are."""
    for folder, folders, names in os.walk(old, onerror=_stop):
        place = Path(folder).relative_to(old)
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        empty = [name for name in folders if name not in links and not any((Path(folder) / name).iterdir())]
        for name in [*names, *links, *empty]:
            if (place / name).as_posix() in ours:
                continue
            source, copy = Path(folder) / name, fresh / place / name
            taken = copy.is_symlink() or (copy.exists() and not (name in empty and copy.is_dir()))
            if taken or any((fresh / above).is_file() for above in (place, *place.parents)):
                raise _in_the_way(source)
            if name in empty:
                copy.mkdir(parents=True, exist_ok=True)
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            _link(source, copy)


def _stop(error: OSError) -> None:
    """Raise: what is in a folder that cannot be listed would be lost."""
    raise error


def _link(source: Path, copy: Path) -> None:
    try:
        os.link(source, copy, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, copy, follow_symlinks=False)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
