"""Loops compiled by numba, cached where there is a folder of the user's to write to."""

import os
from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, compiled at its first call. The machine code is kept for the next process if it can be."""
    try:
        cached: Callable[..., Any] = njit(cache=has_home(), nogil=True)(function)
        return cached
    except RuntimeError:
        plain: Callable[..., Any] = njit(nogil=True)(function)
        return plain


def has_home() -> bool:
    """Tell whether numba's cache is the user's own: without a home it is "~" in the working folder, anybody's code."""
    return os.path.isabs(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~"))
