"""Loops compiled by numba, cached where there is a folder to write to."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, compiled at its first call. The machine code is kept for the next process if it can be."""
    try:
        cached: Callable[..., Any] = njit(cache=True, nogil=True)(function)
        return cached
    except RuntimeError:
        plain: Callable[..., Any] = njit(nogil=True)(function)
        return plain
