"""Who else may write what emcc is about to run."""

import os
import stat
from pathlib import Path

from emcc.base.errors import EmccError

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def check(folder: Path) -> None:
    """Raise EmccError unless `folder` is the user's or root's, and nobody else can put anything into its place.

    A folder that is the user's own but may be written by a group is closed to it. Folders above may be written by
    others where they are sticky, as /tmp is: entries of such a folder are their owners' alone.
    """
    folder = Path(os.path.realpath(folder))
    facts = folder.stat()
    if facts.st_uid == os.geteuid() and facts.st_mode & _OTHERS:
        folder.chmod(facts.st_mode & 0o700)
        facts = folder.stat()
    _refuse(folder, facts, bool(facts.st_mode & _OTHERS))
    check_above(folder)


def own(folder: Path) -> bool:
    """Tell whether `folder`, or that which would hold it, is the user's or root's, and nobody else can write there."""
    folder = Path(os.path.realpath(folder))
    try:
        while not folder.exists():
            folder = folder.parent
        _refuse(folder, facts := folder.stat(), bool(facts.st_mode & _OTHERS))
        check_above(folder)
    except (EmccError, OSError):
        return False
    return True


def check_above(folder: Path) -> None:
    """Raise EmccError where somebody else can put another into the place of `folder`, which has no links in it."""
    outside = _outside()
    for above in folder.parents:
        facts = above.stat()
        _refuse(above, facts, bool(facts.st_mode & _OTHERS and not facts.st_mode & stat.S_ISVTX), outside)


def _outside() -> int | None:
    """Return the user that root is seen as from a namespace of users that has no root of the machine; else None."""
    try:
        if Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]:
            return None
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return None


def _refuse(folder: Path, facts: os.stat_result, open_to_others: bool, outside: int | None = None) -> None:
    hint = "set EMCC_CACHE to a folder of your own"
    if facts.st_uid not in (0, os.geteuid(), outside):
        raise EmccError("belongs to another user: what is kept there will not be run", file=folder, hint=hint)
    if open_to_others:
        hint += ", or take the others' right to write: chmod go-w"
        raise EmccError("others may write there: what is kept there will not be run", file=folder, hint=hint)
