"""Loops compiled by numba, cached where there is a folder of the user's to write to."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

from emcc.base import owned


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, compiled at its first call. The machine code is kept for the next process if it can be."""
    try:
        cached: Callable[..., Any] = njit(cache=kept(Path(function.__code__.co_filename)), nogil=True)(function)
        return cached
    except RuntimeError:
        plain: Callable[..., Any] = njit(nogil=True)(function)
        return plain


def kept(file: Path) -> bool:
    """Tell whether nobody but the user, or root, can write where numba keeps what it makes of a file's functions.

    That is beside the file where the user may write there, else in the user's own cache, as numba.core.caching has it.
    What is kept is run: without a home the cache would be "~" in the working folder, with another's home that user's.
    """
    given, beside = os.environ.get("NUMBA_CACHE_DIR"), file.parent / "__pycache__"
    if not given and os.access(beside if beside.exists() else file.parent, os.W_OK):
        return True
    cache = given or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "numba")
    return os.path.isabs(cache) and owned.own(Path(cache))
