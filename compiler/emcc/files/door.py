"""The one door to files that come from elsewhere: regular files of a bounded size, and nothing else is opened.

A FIFO would wait for ever, a device never end. Every refusal is an OSError, whose `strerror` ends a sentence.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path, PurePosixPath

LARGEST = 1 << 32
"""Bytes of a file that is read whole."""


def opened(path: Path | str) -> BufferedReader:
    """Open a file that the user names; links are followed. OSError where it is no regular file."""
    _regular(os.stat(path), path)
    return _checked(os.open(path, _FLAGS), path)


def read(path: Path | str, most: int = LARGEST) -> bytes:
    """Read a file that the user names. OSError where it is no regular file, or larger than `most` bytes."""
    with opened(path) as file:
        return _whole(file, path, most)


def opened_inside(folder: Path, name: str) -> BufferedReader:
    """Open the file `name` ("/"-separated) of a folder from elsewhere; no link below `folder` is followed.

    Raises OSError as `opened`, and where a link is on the way.
    """
    path = folder / name
    *above, last = PurePosixPath(name).parts or ("",)
    if not last or "\0" in name or last == ".." or ".." in above or PurePosixPath(name).is_absolute():
        raise OSError(errno.EINVAL, "not a name inside the folder", str(path))
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in above:
            _no_link(os.stat(part, dir_fd=place, follow_symlinks=False), path)
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
            os.close(place)
            place = below
        _regular(os.stat(last, dir_fd=place, follow_symlinks=False), path)
        return _checked(os.open(last, _FLAGS | os.O_NOFOLLOW, dir_fd=place), path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(place)


def read_inside(folder: Path, name: str, most: int = LARGEST) -> bytes:
    """Read the file `name` of a folder from elsewhere. OSError as `opened_inside` and `read`."""
    with opened_inside(folder, name) as file:
        return _whole(file, folder / name, most)


_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def _checked(handle: int, path: Path | str) -> BufferedReader:
    """Return the open file; what lay there a moment ago may have been another."""
    try:
        _regular(os.fstat(handle), path)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _whole(file: BufferedReader, path: Path | str, most: int) -> bytes:
    size = os.fstat(file.fileno()).st_size
    data = file.read(size + 1) if size <= most else b""  # read() takes as much memory as it may need
    if max(size, len(data)) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", str(path))
    return data


def _no_link(facts: os.stat_result, path: Path | str) -> None:
    if stat.S_ISLNK(facts.st_mode):
        raise OSError(errno.ELOOP, "a link stands there, which is not followed", str(path))


def _regular(facts: os.stat_result, path: Path | str) -> None:
    _no_link(facts, path)
    if stat.S_ISDIR(facts.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "it is a device, a pipe or a socket", str(path))
